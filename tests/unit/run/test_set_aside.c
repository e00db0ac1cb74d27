/* SPDX-License-Identifier: MIT */
/* Asking stores what they set aside: one that keeps a list, one that keeps none, and some that are not kind. */
#include "harness/run/set_aside.h"

#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/load/read_content.h"
#include "tests/unit/runner.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct topo_node nodes[] = {
    {.name = "us-east/origin-1", .role = NODE_ORIGIN, .number = 1, .site = 3},
    {.name = "us-east/origin-2", .role = NODE_ORIGIN, .number = 2, .site = 3},
};
static struct topology world = {.nodes = nodes, .node_count = 2};
static struct plan plan = {.topology = &world};
static char folder[] = "/tmp/drtest-aside.XXXXXX";
static const char *page;       /* what every question is answered; NULL: a list of `has` ops */
static unsigned has, per_page; /* c0-1 .. */
static int status, questions;
static bool grows;

/* What the last reading of the store has on record, and how many there were. */
static struct seen {
    unsigned readings, whole, found, foreign, status;
    int64_t took_ns;
} seen;

static json_t *list_page(unsigned from)
{
    struct read_content all = {0};
    char digest[65];
    json_t *ops = json_array();
    for (unsigned i = 1; i <= has; i++) {
        char id[16];
        snprintf(id, sizeof(id), "c0-%u", i);
        struct stored_op op = {.id = id};
        read_content_add(&all, &op);
        if (i >= from && i < from + per_page)
            json_array_append_new(ops, json_pack("[s,i,i,s,i,s]", id, (int)i, 1, "k1", 0, "00000000000000aa"));
    }
    read_content_digest(&all, digest);
    read_content_deinit(&all);
    bool last = from + per_page > has;
    return json_pack("{s:i,s:i,s:i,s:i,s:o,s:s?}", "from", (int)from, "next", last ? 0 : (int)(from + per_page),
                     "count", (int)json_array_size(ops), "total", (int)has, "ops", ops, "digest", last ? digest : NULL);
}

static int answer(struct lab *lab, uint16_t node, const char *method, const char *target, const char *body,
                  int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e)
{
    unsigned from = 0, limit = 0;
    (void)lab, (void)method, (void)body, (void)e;
    CU_ASSERT_EQUAL(node, 0); /* only the first origin of a region has a store */
    CU_ASSERT(timeout_ns > 0);
    CU_ASSERT_EQUAL(sscanf(target, "/v1/lost?from=%u&limit=%u", &from, &limit), 2);
    questions++;
    if (grows && from == 1)
        has++;
    json_t *doc = page ? json_loads(page, 0, NULL) : list_page(from);
    const struct lab_answer a = {.status = status, .body = doc};
    done(arg, &a);
    json_decref(doc);
    return 0;
}

static void look(void)
{
    struct evidence *ev = NULL;
    CU_ASSERT_EQUAL_FATAL(evidence_load(&ev, folder, NULL), 0);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    struct ledger_scan *scan = ledger_scan_open(ev);
    for (const struct ledger_record *r; (r = ledger_scan_next(scan));) {
        CU_ASSERT(r->pass == PASS_ASIDE && r->region == 3);
        if (r->kind == LEDGER_READ_BEGIN)
            seen.found = seen.foreign = 0;
        seen.readings += r->kind == LEDGER_READ_BEGIN;
        seen.found += r->kind == LEDGER_FOUND;
        seen.foreign += r->kind == LEDGER_FOREIGN;
        if (r->kind == LEDGER_READ_END) {
            seen.whole += r->outcome == 1;
            seen.status = r->status;
        }
    }
    ledger_scan_close(scan);
    evidence_free(ev);
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* Ask a store that answers so; seen is what came of it. */
static void list(const char *text, int with_status)
{
    static const struct lab_ops ops = {.admin = answer};
    struct run_options o = {.run_path = folder};
    struct drill d = {.plan = &plan, .options = &o, .ops = &ops, .loop = loop_new_virtual(0)};
    struct err e = {0};
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6); /* used before */
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL_FATAL(timeline_open(&d.rec.timeline, folder, NULL), 0);
    d.rec.loop = d.loop;
    record_fact(&d.rec, EVENT_HEADER, NULL, NULL, NULL, 0);
    timeline_close(d.rec.timeline);
    CU_ASSERT(samples_create(folder, "", 0, NULL) == 0 && ledger_create(folder, 0, NULL) == 0);
    page = text;
    status = with_status;
    questions = 0;
    seen = (struct seen){0};
    CU_ASSERT_EQUAL(set_aside_read(&d, &e), 0);
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
    int64_t took_ns = loop_now(d.loop);
    loop_free(d.loop);
    look();
    seen.took_ns = took_ns;
    CU_ASSERT_EQUAL(nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void two_equal_lists_are_enough(void)
{
    has = 5;
    per_page = 2;
    list(NULL, 200);
    CU_ASSERT(seen.readings == 2 && seen.whole == 2 && seen.found == 5 && seen.foreign == 0);
    CU_ASSERT_EQUAL(questions, 6);
    has = 0;
    list(NULL, 200);
    CU_ASSERT(seen.readings == 2 && seen.whole == 2 && seen.found == 0);
}

static void who_keeps_no_list_is_asked_once(void)
{
    list("{\"error\":\"no such call\"}", 404);
    CU_ASSERT(seen.readings == 1 && seen.whole == 0 && seen.status == 404);
    CU_ASSERT_EQUAL(questions, 1);
    list("{}", 405);
    CU_ASSERT_EQUAL(questions, 1);
}

static void what_is_no_list_is_asked_for_until_time_is_up(void)
{
    static const char *const lies[] = {
        "no JSON",
        "[]",
        "{\"from\":1,\"next\":1,\"count\":0,\"total\":0,\"ops\":[]}",
        "{\"from\":7,\"next\":0,\"count\":0,\"total\":0,\"ops\":[]}",
        "{\"from\":1,\"next\":0,\"count\":2,\"total\":2,\"ops\":[[\"c0-1\",1,1,\"k1\",0,\"00\"]]}",
        "{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[\"c0-1\"],\"digest\":\"00\"}",
        "{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[[\"c0-1\",1,1,\"k1\",0,\"00\"]],\"digest\":\"00\"}",
    };
    for (size_t i = 0; i < array_len(lies); i++) {
        list(lies[i], 200);
        CU_ASSERT(seen.readings > 1 && seen.whole == 0);
        CU_ASSERT(seen.took_ns >= 5 * NS_PER_S && seen.took_ns < 6 * NS_PER_S);
    }
    list("{}", 0); /* no answer in time */
    CU_ASSERT(seen.whole == 0 && seen.status == 0 && seen.took_ns < 6 * NS_PER_S);
}

static void a_list_that_changes_does_not_count(void)
{
    has = 0;
    per_page = 1000;
    grows = true;
    list(NULL, 200);
    grows = false;
    CU_ASSERT(seen.whole > 2 && seen.whole == seen.readings && seen.took_ns >= 5 * NS_PER_S);
}

static void nobody_is_listened_to_for_ever(void)
{
    has = 260000;
    per_page = 130000;
    list(NULL, 200);
    CU_ASSERT(seen.readings == 1 && seen.whole == 0 && seen.found == 260000);
    CU_ASSERT_EQUAL(questions, 2);
}

static void strangers_are_on_record(void)
{
    list("{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[[\"intruder\",1,1,\"k1\",0,\"00\"]],\"digest\":"
         "\"a3b7f5b2dd7b46a4f79cb5b6c31fc1b7e1dd3a6e4e2a5cdb4a9e2f9c4a0d7a11\"}", 200);
    CU_ASSERT(seen.foreign == 1 && seen.found == 0);
}

void suite_set_aside(void)
{
    runner_suite(NULL, NULL);
    runner_test(two_equal_lists_are_enough);
    runner_test(who_keeps_no_list_is_asked_once);
    runner_test(what_is_no_list_is_asked_for_until_time_is_up);
    runner_test(a_list_that_changes_does_not_count);
    runner_test(nobody_is_listened_to_for_ever);
    runner_test(strangers_are_on_record);
}
