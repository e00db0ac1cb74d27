/* SPDX-License-Identifier: MIT */
/*
 * Samples are collected in memory and appended in whole records, up to 256 with one write(2), so that the hot path
 * costs a copy and a CRC. samples_add flushes by itself when the buffer is full; its failure then sticks and the next
 * samples_flush tells.
 */
#include "harness/evidence/evidence_write.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/evidence/append.h"
#include "harness/evidence/sample_check.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFERED = 256 };

struct sample_writer {
    struct append_file file;
    size_t count;
    struct sample buffer[BUFFERED];
};

/* 64 hex digits to 32 bytes; anything else leaves zeros (a run without a scenario file). */
static void unhex(const char *hex, uint8_t out[32])
{
    memset(out, 0, 32);
    if (!hex || strspn(hex, "0123456789abcdef") != 64 || hex[64] != '\0') {
        return;
    }
    for (size_t i = 0; i < 64; i++) {
        int digit = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | digit);
    }
}

int samples_create(const char *run_path, const char *scenario_sha256, int64_t zero_wall_ns, struct err *e)
{
    struct append_file file;
    if (append_open(&file, run_path, "samples.bin", APPEND_CREATE, e) != 0) {
        return -1;
    }
    struct sample_header header = {.record_size = SAMPLE_SIZE, .version = SAMPLE_VERSION, .zero_wall_ns = zero_wall_ns};
    memcpy(header.magic, SAMPLE_MAGIC, sizeof(header.magic));
    unhex(scenario_sha256, header.scenario_sha256);
    header.crc = sample_crc(&header);
    int status = append_bytes(&file, &header, sizeof(header), e);
    append_close(&file);
    return status;
}

int samples_open(struct sample_writer **w, const char *run_path, struct err *e)
{
    struct sample_writer *made = xcalloc(1, sizeof(*made));
    if (append_open(&made->file, run_path, "samples.bin", APPEND_EXISTING, e) != 0) {
        free(made);
        return -1;
    }
    *w = made;
    return 0;
}

void samples_add(struct sample_writer *w, const struct sample *s)
{
    if (w->count == BUFFERED) {
        samples_flush(w, NULL);
    }
    struct sample *kept = &w->buffer[w->count++];
    *kept = *s;
    kept->crc = sample_crc(kept);
}

int samples_flush(struct sample_writer *w, struct err *e)
{
    size_t count = w->count;
    w->count = 0;
    return append_bytes(&w->file, w->buffer, count * sizeof(w->buffer[0]), e);
}

void samples_close(struct sample_writer *w)
{
    if (!w) {
        return;
    }
    samples_flush(w, NULL);
    append_close(&w->file);
    free(w);
}
