/* SPDX-License-Identifier: MIT */
/*
 * What a store says is revoked: a list that is read is sorted, and each of its subjects is found in it.
 */
#include "gateway-under-test/revocation.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct revocation_list l;
    bool read = revocation_list_read(&l, (const char *)data, size);
    fuzz_must(read || (l.count == 0 && l.subjects == NULL));
    for (size_t i = 0; i < l.count; i++) {
        fuzz_must(l.subjects[i][0] != '\0' && revocation_listed(&l, l.subjects[i]));
        fuzz_must(i == 0 || strcmp(l.subjects[i - 1], l.subjects[i]) <= 0);
    }
    fuzz_must(!revocation_listed(&l, "no such subject"));
    revocation_list_free(&l);
    return 0;
}
