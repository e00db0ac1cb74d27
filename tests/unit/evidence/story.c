/* SPDX-License-Identifier: MIT */
/*
 * Samples are written in an order that is not theirs in time, as several workers would.
 */
#include "tests/unit/evidence/story.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/evidence/evidence_write.h"
#include "tests/unit/evidence/scratch.h"

void story_write_timeline(const char *path)
{
    struct timeline *t = NULL;
    must(timeline_open(&t, path, NULL) == 0);
    scoped_json json_t *head = json_pack("{s:i, s:s}", "format", EVENT_FORMAT, "host", "here");
    const struct event events[STORY_EVENTS] = {
        {.kind = EVENT_HEADER, .data = head},
        {.kind = EVENT_PHASE_BEGIN, .at_ns = 10, .end_ns = 10, .subject = "baseline"},
        {.kind = EVENT_FAULT_APPLY, .at_ns = 100, .end_ns = 140, .subject = "us-east", .outcome = "ok", .code = 1},
        {.kind = EVENT_FAULT_PROOF, .at_ns = 150, .end_ns = 150, .outcome = "proven", .code = 1, .detail = "pidfd"},
        {.kind = EVENT_END, .at_ns = 900, .end_ns = 900, .outcome = "completed"},
    };
    for (int i = 0; i < STORY_EVENTS; i++) {
        int64_t seq = -1;
        must(timeline_add(t, &events[i], &seq, NULL) == 0);
        must(seq == i);
    }
    timeline_close(t);
}

void story_write_samples(const char *path)
{
    must(samples_create(path, NULL, 1234, NULL) == 0);
    struct sample_writer *w = NULL;
    must(samples_open(&w, path, NULL) == 0);
    for (int i = STORY_REQUESTS - 1; i >= 0; i--) {
        struct sample s = {.kind = SAMPLE_REQUEST,
                           .stream = (uint16_t)(i % 2),
                           .k = (uint64_t)(i / 2),
                           .planned_ns = i / 2 * 10,
                           .sent_ns = i / 2 * 10 + 1,
                           .done_ns = i / 2 * 10 + 5};
        samples_add(w, &s);
    }
    for (int i = 0; i < STORY_STALLS; i++) {
        struct sample s = {.kind = SAMPLE_STALL, .planned_ns = 500 - i, .sent_ns = 700};
        samples_add(w, &s);
    }
    for (int i = 0; i < STORY_SWITCHES; i++) {
        struct sample s = {.kind = SAMPLE_SWITCH, .k = (uint64_t)i, .done_ns = 60 - i};
        samples_add(w, &s);
    }
    must(samples_flush(w, NULL) == 0);
    samples_close(w);
}

static void write_both(struct ledger_writer *w[2], uint64_t seq)
{
    for (uint16_t client = 0; client < 2; client++) {
        struct ledger_record r = {.kind = LEDGER_INTENT, .client = client, .seq = seq, .at_ns = (int64_t)seq * 100};
        must(ledger_add(w[client], &r, NULL) == 0);
    }
    for (uint16_t client = 0; client < 2; client++) {
        struct ledger_record r = {
            .kind = LEDGER_RESULT, .outcome = WRITE_OK, .client = client, .seq = seq, .at_ns = (int64_t)seq * 100 + 7};
        must(ledger_add(w[client], &r, NULL) == 0);
    }
}

static void write_final_read(const char *path)
{
    struct ledger_writer *w = NULL;
    must(ledger_open(&w, path, LEDGER_CHAIN_READ + PASS_LIVE, NULL) == 0);
    struct ledger_record begin = {.kind = LEDGER_READ_BEGIN, .read = 1};
    ledger_add(w, &begin, NULL);
    for (uint64_t i = 0; i < STORY_FOUND; i++) {
        struct ledger_record r = {.kind = LEDGER_FOUND, .read = 1, .client = 0, .seq = i};
        ledger_add(w, &r, NULL);
    }
    struct ledger_record end = {.kind = LEDGER_READ_END, .read = 1, .outcome = 1, .count = STORY_FOUND};
    ledger_add(w, &end, NULL);
    must(ledger_sync(w, NULL) == 0);
    ledger_close(w);
}

void story_write_ledger(const char *path)
{
    must(ledger_create(path, 1234, NULL) == 0);
    struct ledger_writer *w[2] = {0};
    for (uint16_t client = 0; client < 2; client++) {
        must(ledger_open(&w[client], path, client, NULL) == 0);
    }
    for (uint64_t seq = 0; seq < STORY_WRITES; seq++) {
        write_both(w, seq);
    }
    ledger_close(w[0]);
    ledger_close(w[1]);
    write_final_read(path);
}

void story_write(const char *path)
{
    story_write_timeline(path);
    story_write_samples(path);
    story_write_ledger(path);
}

struct evidence *story_load(const char *path)
{
    struct evidence *ev = NULL;
    struct err e = {0};
    must(evidence_load(&ev, path, &e) == 0);
    must(e.kind == ERR_NONE);
    return ev;
}
