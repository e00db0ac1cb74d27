/* SPDX-License-Identifier: MIT */
/*
 * A stored run, loaded, measured and reported again, with one of its files (FUZZ_FILE) replaced by the input; the
 * others are those of run/, a short drill in the model. The first byte says whether the file goes as it is or is mended
 * first, so that an input is not refused for a wrong seq, CRC or hash but gets to those who use what it says; and
 * whether the reports, which take most of the time, are made, too.
 */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/stored.h"
#include "harness/evidence/crc32c.h"
#include "harness/measure/measure.h"
#include "reports/report.h"
#include "tests/fuzz/fuzz.h"
#include "tests/reseal/reseal.h"

#include <string.h>

#define RUN DRTEST_SOURCE_DIR "/tests/fuzz/run/"

static const char *const files[] = {"plan.yaml",      "origin.json", "scenario.yaml", "result.json",
                                    "timeline.jsonl", "samples.bin", "ledger.bin",    CROSS_FILE};
static struct text whole; /* FUZZ_FILE as it was */

static void prepare(void)
{
    for (size_t i = 0; i < array_len(files); i++) {
        scoped_text struct text path = {0}, file = {0};
        text_addf(&path, "%s%s", RUN, files[i]);
        fuzz_must(text_read_file(&file, text_str(&path), 1 << 20, NULL) == 0);
        fuzz_put(files[i], file.at, file.len);
        if (text_eq(files[i], FUZZ_FILE))
            text_add_bytes(&whole, file.at, file.len);
    }
    fuzz_must(whole.len > 0);
}

/* The header as it was, then every line of the input that is an object, numbered. */
static void mend_timeline(struct text *out, const uint8_t *data, size_t size)
{
    int seq = 1;
    scoped_text struct text lines = {0};
    text_add_bytes(&lines, whole.at, strcspn(whole.at, "\n") + 1);
    for (char *line; fuzz_line(&data, &size, &line); free(line)) {
        scoped_json json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(event))
            continue;
        static const char *const numbers[] = {"due_ns", "at_ns", "end_ns", "code"};
        for (size_t i = 0; i < array_len(numbers); i++)
            if (!json_is_integer(json_object_get(event, numbers[i])))
                json_object_set_new(event, numbers[i], json_integer(0));
        json_object_set_new(event, "seq", json_integer(seq++));
        json_object_del(event, "crc");
        scoped_free char *dumped = json_dumps(event, JSON_COMPACT);
        text_addf(&lines, "%s\n", dumped);
    }
    reseal_timeline(out, text_str(&lines), lines.len);
}

/* How much of the input a record takes: one that says so is a page, as far as there are bytes for it. */
static size_t mend_record(struct ledger_record *r, size_t size)
{
    r->chain &= LEDGER_CHAIN_READ | 3;
    if (r->kind == LEDGER_PAGE && size >= 2 * LEDGER_SIZE) {
        r->count = r->count % LEDGER_PAGE_MAX + 1;
        if (LEDGER_SIZE + ledger_behind(r) > size)
            r->count = LEDGER_PER_BLOCK;
        return LEDGER_SIZE + ledger_behind(r);
    }
    r->kind = (uint8_t)(LEDGER_INTENT + (r->kind + LEDGER_FOREIGN - 1) % LEDGER_FOREIGN % (LEDGER_FOREIGN - 1));
    return LEDGER_SIZE;
}

static void mend_ledger(struct text *out, const uint8_t *data, size_t size)
{
    text_add_bytes(out, whole.at, LEDGER_SIZE);
    while (size >= LEDGER_SIZE) {
        struct ledger_record r;
        memcpy(&r, data, sizeof(r));
        size_t taken = mend_record(&r, size);
        text_add_bytes(out, &r, sizeof(r));
        text_add_bytes(out, data + LEDGER_SIZE, taken - LEDGER_SIZE);
        data += taken;
        size -= taken;
    }
    reseal_ledger(out->at, out->len);
}

static void mend_samples(struct text *out, const uint8_t *data, size_t size)
{
    text_add_bytes(out, whole.at, SAMPLE_SIZE);
    for (; size >= SAMPLE_SIZE; data += SAMPLE_SIZE, size -= SAMPLE_SIZE) {
        struct sample s;
        memcpy(&s, data, sizeof(s));
        s.kind = (uint8_t)(SAMPLE_REQUEST + (s.kind + 2) % 3);
        s.outcome %= OUTCOMES;
        s.write %= WRITE_UNKNOWN + 1;
        text_add_bytes(out, &s, sizeof(s));
    }
    reseal_samples(out->at, out->len);
}

/* The head as it was, then every line of the input up to its last comma, with the check that it should have. */
static void mend_crosscheck(struct text *out, const uint8_t *data, size_t size)
{
    static uint32_t checks[256];
    memset(checks, 0, sizeof(checks));
    text_add_bytes(out, whole.at, sizeof(CROSS_MAGIC) - 1 + 64 + 1);
    text_add(out, CROSS_COLUMNS);
    for (char *line; fuzz_line(&data, &size, &line); free(line)) {
        const char *first = strchr(line, ','), *last = strrchr(line, ',');
        if (!first)
            continue;
        unsigned vantage = (unsigned)strtoul(first + 1, NULL, 10) % 256;
        scoped_text struct text checked = {0};
        text_addf(&checked, "%08x", (unsigned)checks[vantage]);
        text_add_bytes(&checked, line, (size_t)(last + 1 - line));
        checks[vantage] = crc32c(checked.at, checked.len);
        text_add_bytes(out, line, (size_t)(last + 1 - line));
        text_addf(out, "%08x\n", (unsigned)checks[vantage]);
    }
}

static void put(bool mend, const uint8_t *data, size_t size)
{
    scoped_text struct text out = {0};
    if (mend && text_eq(FUZZ_FILE, "timeline.jsonl"))
        mend_timeline(&out, data, size);
    else if (mend && text_eq(FUZZ_FILE, "ledger.bin"))
        mend_ledger(&out, data, size);
    else if (mend && text_eq(FUZZ_FILE, "samples.bin"))
        mend_samples(&out, data, size);
    else if (mend && text_eq(FUZZ_FILE, CROSS_FILE))
        mend_crosscheck(&out, data, size);
    else
        text_add_bytes(&out, data, size);
    fuzz_put(FUZZ_FILE, out.at, out.len);
}

static void report(const struct stored_run *s, const struct result *r)
{
    const struct report_input in = {
        .result = r, .plan = s->plan, .evidence = s->evidence, .run_path = s->path, .jenkins_style = true};
    for (size_t i = 0; reporters[i]; i++) {
        scoped_free char *bytes = NULL;
        size_t len = 0;
        struct err e = {0};
        FILE *out = open_memstream(&bytes, &len);
        fuzz_must(out != NULL);
        int rc = reporters[i]->write(out, &in, &e);
        (void)fclose(out);
        fuzz_must(rc < 0 || len > 0);
    }
}

static void measure(const struct stored_run *s, bool reported)
{
    struct result *r = NULL, *back = NULL;
    struct err e = {0};
    const struct measure_context about = {.run_id = "r", .repeat_index = 1, .repeat_count = 1, .tool_version = "0"};
    fuzz_must(measure_run(s->plan, s->evidence, &about, &r, &e) == 0);
    scoped_json json_t *doc = result_to_json(r);
    fuzz_must(doc && result_from_json(doc, &back, "result", &e) == 0);
    if (reported)
        report(s, back);
    result_free(back);
    result_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (whole.len == 0)
        prepare();
    if (size == 0)
        return 0;
    put(data[0] & 1, data + 1, size - 1);
    struct stored_run s = {0};
    struct err e = {0};
    int rc = stored_load(&s, NULL, fuzz_folder(), &e);
    fuzz_must(rc == 0 || e.kind != ERR_NONE);
    if (rc == 0) {
        if (text_eq(FUZZ_FILE, "result.json"))
            report(&s, s.result);
        else
            measure(&s, data[0] & 2);
    }
    stored_deinit(&s);
    return 0;
}
