/* SPDX-License-Identifier: MIT */
/* What a stranger sends to the gateway's TLS port. The first byte is how much of it comes at a time. */
#include "gateway-under-test/tls.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/lab/authority.h"
#include "tests/fuzz/fuzz.h"

/* Made once: no input can change it. */
static const struct tls_identity *identity(void)
{
    static struct tls_identity *made;
    struct authority *authority = NULL;
    char fingerprint[FINGERPRINT_LEN];
    scoped_text struct text bundle = {0};
    if (made == NULL) {
        fuzz_must(authority_new(&authority, NULL) == 0);
        fuzz_must(
            authority_issue(authority, "us-east/1", "127.0.0.1", CERTIFICATE_ROTATED, &bundle, fingerprint, NULL) == 0);
        authority_free(authority);
        fuzz_put("tls.pem", bundle.at, bundle.len);
        fuzz_must(tls_identity_open(&made, fuzz_path("tls.pem"), fuzz_path("tls.pem"), NULL) == 0);
    }
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t step = (size_t)data[0] * 16 + 1, len = size - 1;
    data++;
    struct tls *t = tls_new(identity());
    scoped_text struct text in = {0}, out = {0}, wire = {0};
    enum tls_end end = TLS_GOES_ON;
    text_add(&out, "not before the handshake");
    for (size_t at = 0; at < len && end == TLS_GOES_ON; at += step) {
        end = tls_take(t, data + at, len - at < step ? len - at : step, &in, &wire);
        fuzz_must(tls_shaken(t) || in.len == 0); /* nothing is plain before it is secure */
        fuzz_must(end == TLS_BROKEN || tls_seal(t, &out, &wire) == 0);
        fuzz_must(tls_shaken(t) == (out.len == 0) || end == TLS_BROKEN);
    }
    tls_goodbye(t, &wire);
    tls_free(t);
    return 0;
}
