/* SPDX-License-Identifier: MIT */
/* A frame of the system under test that a gate keeps back, and the answer to it. */
#include "harness/lab/reject_packet.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum gate_way ways[] = {GATE_DROP, GATE_REFUSE, GATE_UNREACHABLE};
    unsigned char *frame = malloc(size + 1), out[REJECT_BYTES];
    struct reject_view v;
    fuzz_must(frame != NULL);
    memcpy(frame, data, size);
    bool read = reject_read(frame, size, &v);
    for (size_t i = 0; i < 3; i++) {
        size_t n = reject_answer(frame, size, ways[i], out);
        fuzz_must(n <= sizeof(out) && (n == 0 || read));
        fuzz_must(n == 0 || reject_read(out, n, &v)); /* an answer is a packet itself */
    }
    free(frame);
    return 0;
}
