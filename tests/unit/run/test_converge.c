/* SPDX-License-Identifier: MIT */
/* Listing the stores of a world that is not kind: pages that lead nowhere, and answers that are none. */
#include "harness/run/converge.h"

#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/run/drill.h"
#include "tests/unit/runner.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#define QUESTIONS_MAX 8

static struct topo_node nodes[] = {{.name = "us-east/origin-1", .role = NODE_ORIGIN, .number = 1}};
static struct topology world = {.nodes = nodes, .node_count = 1};
static struct plan plan = {.topology = &world};
static char folder[] = "/tmp/drtest-converge.XXXXXX";
static const char *page; /* what every question is answered */
static int questions;

static int answer(struct lab *lab, uint16_t node, const char *method, const char *target, const char *body,
                  int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e)
{
    (void)lab, (void)node, (void)method, (void)target, (void)body, (void)timeout_ns, (void)e;
    if (++questions > QUESTIONS_MAX)
        return -1;
    json_t *doc = json_loads(page, 0, NULL);
    const struct lab_answer a = {.status = doc ? 200 : 0, .body = doc};
    done(arg, &a);
    json_decref(doc);
    return 0;
}

/* One beat against a store that answers so: whole or not, and after how many questions. */
static void list(const char *text, const char *outcome, int asked)
{
    static const struct lab_ops ops = {.admin = answer};
    struct evidence *ev = NULL;
    struct converge *c = NULL;
    struct drill d = {.plan = &plan, .ops = &ops, .loop = loop_new_virtual(0)};
    CU_ASSERT_EQUAL_FATAL(timeline_open(&d.rec.timeline, folder, NULL), 0);
    d.rec.loop = d.loop;
    record_fact(&d.rec, EVENT_HEADER, NULL, NULL, NULL, 0);
    page = text;
    questions = 0;
    CU_ASSERT_EQUAL(converge_new(&c, &d, INT64_MAX, NULL), 0);
    (void)loop_run(d.loop, NS_PER_S / 2, NULL, NULL);
    converge_free(c);
    timeline_close(d.rec.timeline);
    loop_free(d.loop);
    CU_ASSERT_EQUAL(questions, asked);
    CU_ASSERT_EQUAL_FATAL(samples_create(folder, "", 0, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(evidence_load(&ev, folder, NULL), 0);
    const struct event *seen = NULL;
    for (size_t i = 0; i < ev->event_count && !seen; i++)
        if (ev->events[i].kind == EVENT_CONVERGE)
            seen = &ev->events[i];
    CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
    CU_ASSERT_STRING_EQUAL(seen->outcome, outcome);
    evidence_free(ev);
}

static int set_up(void)
{
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void)
{
    return nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS);
}

static void list_fresh(const char *text, const char *outcome, int asked)
{
    CU_ASSERT_EQUAL_FATAL(set_up(), 0);
    list(text, outcome, asked);
    CU_ASSERT_EQUAL(tear_down(), 0);
}

static void a_last_page_is_whole(void)
{
    list_fresh("{\"ops\":[[\"c0-1\"]],\"next\":0}", "equal", 1);
    list_fresh("{\"ops\":[],\"next\":0}", "equal", 1);
}

static void pages_that_lead_nowhere_end_it(void)
{
    list_fresh("{\"ops\":[[\"c0-1\"]],\"next\":1}", "unreachable", 1);
    list_fresh("{\"ops\":[[\"c0-1\"]],\"next\":5}", "unreachable", 2);
    list_fresh("{\"ops\":[[\"c0-1\"]],\"next\":-5}", "unreachable", 1);
    list_fresh("{\"ops\":[],\"next\":7}", "unreachable", 1);
}

static void what_is_no_page_ends_it(void)
{
    list_fresh("[]", "unreachable", 1);
    list_fresh("{\"ops\":{\"a\":1},\"next\":2}", "unreachable", 1);
    list_fresh("no JSON", "unreachable", 1);
}

void suite_converge(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_last_page_is_whole);
    runner_test(pages_that_lead_nowhere_end_it);
    runner_test(what_is_no_page_ends_it);
}
