/* SPDX-License-Identifier: MIT */
/* What a DNS server answers to the lab's questions, after the two bytes by which it says that it answers. */
#include "harness/base/scoped.h"
#include "harness/lab/ask_dns.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped_text struct text answer = {0};
    text_add_bytes(&answer, "\0\xD7", 2);
    text_add_bytes(&answer, data, size);
    scoped_json json_t *body = ask_dns_body(&answer);
    if (!body)
        return 0;
    json_int_t rcode = json_integer_value(json_object_get(body, "rcode"));
    fuzz_must(rcode >= 0 && rcode <= 15);
    fuzz_must(rcode == 0 || json_array_size(json_object_get(body, "answer")) == 0);
    size_t i;
    json_t *address;
    json_array_foreach(json_object_get(body, "answer"), i, address)
    {
        fuzz_must(json_is_string(address));
    }
    return 0;
}
