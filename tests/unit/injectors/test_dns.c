/* SPDX-License-Identifier: MIT */
#include "harness/base/json.h"
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

enum { MANAGER = 5, WEST = 1 };

static struct bench b;

/* The fake lab with its last origin as the traffic manager. */
static void begin(const struct action *a)
{
    struct action on = *a;
    on.target = TARGET_NODE;
    on.node = MANAGER;
    bench_new(&b, "dns", &on);
    b.lab->nodes_on_paper[MANAGER].role = NODE_DNS;
    json_object_set_new(b.lab->nodes[MANAGER].file, "answer", json_string("live"));
    json_object_set_new(b.lab->nodes[MANAGER].file, "ttl", json_integer(1));
    json_object_set_new(b.lab->nodes[MANAGER].file, "serial", json_integer(1));
}

static const char *document(const char *key)
{
    return json_string_value(json_object_get(b.lab->nodes[MANAGER].file, key));
}

static void whole_life(const struct action *a, const char *word)
{
    begin(a);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_STRING_EQUAL(document("answer"), word);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(b.lab->nodes[MANAGER].file, "serial")), 2);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_STRING_EQUAL(document("answer"), "live");
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    bench_free(&b);
}

static void every_answer(void)
{
    whole_life(&(struct action){.answer = DNS_NXDOMAIN}, "nxdomain");
    whole_life(&(struct action){.answer = DNS_EMPTY}, "empty");
    whole_life(&(struct action){.answer = DNS_OTHER}, "other");
    whole_life(&(struct action){.answer = DNS_STALE}, "stale");
    whole_life(&(struct action){.ttl_ns = 60 * NS_PER_S}, "live");
}

static void the_name_of_a_region(void)
{
    begin(&(struct action){.answer = DNS_OTHER, .name = "east"});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_STRING_EQUAL(document("hit"), "east");
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "for east"));
    bench_free(&b);
}

static void silence_is_a_stopped_process(void)
{
    begin(&(struct action){.answer = DNS_SILENT});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[MANAGER].state, NODE_FROZEN);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[MANAGER].state, NODE_UP);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void slow_answers(void)
{
    begin(&(struct action){.slow_ns = 2 * NS_PER_S});
    CU_ASSERT_EQUAL(b.injector->effect_of(&b.action), EFFECT_DEGRADE);
    unsigned effects[FAKE_LINKS] = {0};
    injection_link_effects(&b.lab->topo, &b.action, effects);
    CU_ASSERT_EQUAL(effects[2], 1u << EFFECT_DEGRADE);
    CU_ASSERT(effects[0] == 0 && effects[1] == 0);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->paths[path_of(2, false)].delay_ns, 2 * NS_PER_S);
    CU_ASSERT_EQUAL(b.lab->paths[path_of(2, true)].delay_ns, 0);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->paths[path_of(2, false)].delay_ns, 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_lab_that_only_nods(void)
{
    begin(&(struct action){.answer = DNS_NXDOMAIN});
    b.lab->deaf = true;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_free(&b);
    begin(&(struct action){.answer = DNS_OTHER});
    b.lab->ignores_hangup = true; /* takes the document and answers as before */
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "10.1.1.2"));
    bench_free(&b);
    begin(&(struct action){.answer = DNS_SILENT});
    b.lab->deaf = true;
    bench_apply(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_free(&b);
}

static void a_change_of_others_is_left_alone(void)
{
    begin(&(struct action){.answer = DNS_EMPTY});
    bench_apply(&b);
    json_object_set_new(b.lab->nodes[MANAGER].file, "ttl", json_integer(9));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_STRING_EQUAL(document("answer"), "empty");
    bench_free(&b);
}

static void what_contradicts_itself(void)
{
    char why[ACTION_WHY];
    const struct action_type *t = &injector_find("dns")->type;
    CU_ASSERT_TRUE(t->objects(&(struct action){.ttl_ns = NS_PER_S / 2}, why));
    CU_ASSERT_TRUE(t->objects(&(struct action){.answer = DNS_SILENT, .ttl_ns = NS_PER_S}, why));
    CU_ASSERT_TRUE(t->objects(&(struct action){.answer = DNS_OTHER, .slow_ns = NS_PER_S}, why));
    CU_ASSERT_FALSE(t->objects(&(struct action){.answer = DNS_OTHER, .ttl_ns = NS_PER_S}, why));
    CU_ASSERT_FALSE(t->objects(&(struct action){.slow_ns = NS_PER_S}, why));
    CU_ASSERT_TRUE(t->objects(&(struct action){.answer = DNS_SILENT, .name = "east"}, why));
    CU_ASSERT_FALSE(t->objects(&(struct action){.answer = DNS_OTHER, .name = "east"}, why));
}

void suite_dns(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_answer);
    runner_test(the_name_of_a_region);
    runner_test(silence_is_a_stopped_process);
    runner_test(slow_answers);
    runner_test(a_lab_that_only_nods);
    runner_test(a_change_of_others_is_left_alone);
    runner_test(what_contradicts_itself);
}
