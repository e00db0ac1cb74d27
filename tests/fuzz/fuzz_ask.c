/* SPDX-License-Identifier: MIT */
/* What a node answers to the lab's questions. The first byte is how much of it comes at a time. */
#include "harness/base/scoped.h"
#include "harness/lab/ask_answer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t step = (size_t)data[0] * 16 + 1, len = size - 1;
    data++;
    scoped_text struct text answer = {0};
    for (size_t at = 0; at < len && !ask_answer_complete(&answer); at += step)
        text_add_bytes(&answer, data + at, len - at < step ? len - at : step);
    int status = ask_answer_status(&answer);
    fuzz_must(status >= 0 && status <= 999);
    scoped_json json_t *body = ask_answer_body(&answer);
    fuzz_must(!body || answer.len > 0);
    return 0;
}
