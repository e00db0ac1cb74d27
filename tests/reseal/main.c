/* SPDX-License-Identifier: MIT */
/*
 * reseal RUN: after somebody edited timeline.jsonl, samples.bin, ledger.bin or plan.yaml of a kept run (or made it with
 * an older format), everything in it that vouches for something else is computed anew. result.json is left alone.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/evidence/evidence_read.h"
#include "tests/reseal/reseal.h"

#include <stdio.h>
#include <string.h>

#define MOST ((size_t)1 << 30)

static void must(int failed, const struct err *e)
{
    if (failed) {
        fprintf(stderr, "reseal: %s: %s\n", e->at, e->msg);
        exit(1);
    }
}

static void rewrite(const char *run, const char *name, void (*reseal)(void *bytes, size_t len))
{
    scoped_text struct text path = {0}, file = {0};
    struct err e = {0};
    text_addf(&path, "%s/%s", run, name);
    must(text_read_file(&file, text_str(&path), MOST, &e), &e);
    reseal(file.at, file.len);
    must(file_replace(text_str(&path), text_str(&file), file.len, &e), &e);
}

/* What a line says of other files, brought up to date. */
static void amend(json_t *line, const char *run)
{
    struct err e = {0};
    const char *kind = json_string_value(json_object_get(line, "kind"));
    json_t *data = json_object_get(line, "data");
    if (!data && text_eq(kind, "end")) {
        data = json_object();
        json_object_set_new(line, "data", data);
    }
    if (text_eq(kind, "header")) {
        scoped_text struct text plan = {0};
        char sha256[SHA256_HEX];
        text_addf(&plan, "%s/plan.yaml", run);
        must(sha256_file(text_str(&plan), sha256, &e), &e);
        json_object_set_new(data, "format", json_integer(EVENT_FORMAT));
        json_object_set_new(data, "plan_sha256", json_string(sha256));
    } else if (text_eq(kind, "end")) {
        json_t *seals = evidence_seals(run, &e);
        must(!seals, &e);
        json_object_set_new(data, "seals", seals);
    }
}

static void rewrite_timeline(const char *run)
{
    scoped_text struct text path = {0}, file = {0}, amended = {0}, sealed = {0};
    struct err e = {0};
    text_addf(&path, "%s/timeline.jsonl", run);
    must(text_read_file(&file, text_str(&path), MOST, &e), &e);
    char *rest = file.at;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        scoped_json json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        json_object_del(event, "crc");
        amend(event, run);
        scoped_free char *dumped = json_dumps(event, JSON_COMPACT);
        text_addf(&amended, "%s\n", dumped ? dumped : line);
    }
    reseal_timeline(&sealed, text_str(&amended), amended.len);
    must(file_replace(text_str(&path), text_str(&sealed), sealed.len, &e), &e);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: reseal RUN\n", stderr);
        return 2;
    }
    rewrite(argv[1], "samples.bin", reseal_samples);
    rewrite(argv[1], "ledger.bin", reseal_ledger);
    rewrite_timeline(argv[1]);
    return 0;
}
