/* SPDX-License-Identifier: MIT */
/*
 * Everything that must be true before anything is broken. Nodes start in the order in which they need each other:
 * witness, origins, gateways. Each wait has a bound and says what it waited for.
 */
#include "harness/run/prelude.h"
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/load/client.h"
#include "harness/run/crowd.h"
#include "harness/run/host.h"
#include "harness/run/observe.h"
#include "harness/run/roll.h"
#include "harness/run/steady.h"
#include "harness/run/strike.h"
#include "harness/spec/plan_yaml.h"
#include "injectors/injector.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NODES_NS (20 * NS_PER_S) /* and two leases, after which the witness grants one to anybody */
#define CUSTOMERS_NS (5 * NS_PER_S)
#define LEAD_NS (300 * NS_PER_MS) /* from the order to the first planned request */

/* Fingerprint over the configuration of every node: what was tested. */
static void system_config_sha256(struct drill *d, char out[SHA256_HEX])
{
    scoped_json json_t *all = json_array();
    for (uint16_t node = 0; node < d->plan->topology->node_count; node++) {
        json_t *config = NULL;
        if (d->plan->topology->nodes[node].role != NODE_CLIENT &&
            d->ops->node_config_get(d->lab, node, &config, NULL) == 0)
            json_array_append_new(all, config);
    }
    json_fingerprint(all, out);
}

static bool simulated(const struct drill *d)
{
    return d->ops == &lab_sim;
}

/* plan.yaml as the command line wrote it: the timeline names it, so that a later change of the file shows. */
static void plan_sha256(const struct plan *p, char out[SHA256_HEX])
{
    scoped_text struct text yaml = {0};
    plan_yaml(p, &yaml);
    sha256_hex(text_str(&yaml), yaml.len, out);
}

/* What was forced with --mechanism, as EFFECT=NAME: whoever repeats the run has to force it again. */
static json_t *forced(const struct run_options *o)
{
    json_t *all = json_array();
    for (int i = 0; i < LAB_EFFECTS; i++) {
        scoped_text struct text word = {0};
        if (o->forced[i]) {
            text_addf(&word, "%s=%s", lab_effect_words[i], o->forced[i]);
            json_array_append_new(all, json_string(text_str(&word)));
        }
    }
    return all;
}

static json_t *header_data(struct drill *d)
{
    char system[SHA256_HEX] = "", config[SHA256_HEX] = "", plan[SHA256_HEX], wall[32];
    plan_sha256(d->plan, plan);
    if (d->options->gateway_path)
        sha256_file(d->options->gateway_path, system, NULL);
    else
        sha256_hex("sim", 3, system);
    if (d->lab)
        system_config_sha256(d, config);
    int64_t zero_wall = clock_wall_ns() - (simulated(d) ? 0 : record_now(&d->rec));
    json_t *argv = json_array();
    for (size_t i = 0; d->options->argv && d->options->argv[i]; i++)
        json_array_append_new(argv, json_string(d->options->argv[i]));
    return json_pack("{s:i,s:s,s:s,s:I,s:s,s:o,s:o,s:b,s:o,s:o*,s:{s:s,s:s,s:s}}", "format", EVENT_FORMAT,
                     "scenario_sha256", d->plan->sha256, "plan_sha256", plan, "seed", (json_int_t)d->plan->seed,
                     "zero_wall", clock_rfc3339(zero_wall, wall), "argv", argv, "forced",
                     forced(d->options), "crosscheck", d->options->crosscheck, "host", host_facts(geteuid() != 0),
                     "client", simulated(d) ? NULL : transport_curl_facts(), "lab", "kind", d->ops->kind,
                     "system_sha256", system, "config_sha256", config);
}

static bool effect_used(const struct plan *p, enum lab_effect effect)
{
    for (size_t i = 0; i < p->step_count; i++)
        if (p->steps[i].action.type->class == ACTION_FAULT &&
            injector_effects(&p->steps[i].action) & 1u << effect)
            return true;
    return effect == EFFECT_DNS && topo_dns_node(p->topology) != TOPO_NONE;
}

static bool links_shaped(const struct topology *t)
{
    for (size_t i = 0; i < t->link_count; i++) {
        const struct path_state *b = &t->links[i].baseline;
        if (b->delay_ns || b->jitter_ns || b->loss_ppm || b->rate_bps)
            return true;
    }
    return false;
}

static void header_mechanisms(struct drill *d)
{
    bool shaped = links_shaped(d->plan->topology);
    for (enum lab_effect effect = 0; effect < LAB_EFFECTS; effect++) {
        bool wanted = effect_used(d->plan, effect) || (effect == EFFECT_DEGRADE && shaped);
        if (!wanted)
            continue;
        struct lab_mechanism m = d->ops->mechanism(d->lab, effect);
        int64_t now = record_now(&d->rec);
        struct event ev = {.kind = EVENT_MECHANISM, .at_ns = now, .end_ns = now, .subject = lab_effect_words[effect],
                           .detail = m.why, .data = json_pack("{s:s}", "name", m.available ? m.name : "none")};
        record_add(&d->rec, &ev);
        json_decref(ev.data);
        if (effect == EFFECT_DEGRADE && shaped && !m.available)
            record_fact(&d->rec, EVENT_LIMIT, NULL, NULL,
                        "Link delays, jitter, loss and rates of the topology were left out: this machine cannot make "
                        "them.", 0);
    }
}

static void note_selftest(struct drill *d)
{
    int64_t now = record_now(&d->rec);
    struct event ev = {.kind = EVENT_SELFTEST, .at_ns = now, .end_ns = now, .detail = d->options->selftest_detail,
                       .outcome = d->options->selftest ? d->options->selftest : "skipped",
                       .data = d->options->selftest_data};
    record_add(&d->rec, &ev);
}

void prelude_header(struct drill *d)
{
    json_t *data = header_data(d);
    struct event header = {.kind = EVENT_HEADER, .data = data};
    record_add(&d->rec, &header);
    json_decref(data);
    note_selftest(d);
    if (d->lab)
        header_mechanisms(d);
    record_fact(&d->rec, EVENT_LIMIT, NULL, NULL, "All regions share one host and one clock.", 0);
    record_fact(&d->rec, EVENT_LIMIT, NULL, NULL,
                simulated(d) ? "The world is a model on virtual time: no process, packet or disk was involved."
                             : "Links between regions are emulated; a host failure takes every region.", 0);
    record_clock(&d->rec, "start");
}

static int nodes_start(struct drill *d, enum node_role role, struct err *e)
{
    const struct topology *t = d->plan->topology;
    for (uint16_t node = 0; node < t->node_count; node++) {
        if (t->nodes[node].role != role)
            continue;
        if (d->ops->node_start(d->lab, node, 0, e) < 0)
            return -1;
    }
    return 0;
}

/* The traffic manager comes last, when all others answer: its first look at a gateway decides whether it is up. */
static bool manager_is_due(struct drill *d, const char *missing)
{
    uint16_t manager = topo_dns_node(d->plan->topology);
    return manager != TOPO_NONE && missing == d->plan->topology->nodes[manager].name &&
           observer_has_leader(d->observer) && d->ops->node_state(d->lab, manager) == NODE_DOWN;
}

int prelude_nodes(struct drill *d, struct err *e)
{
    static const enum node_role order[] = {NODE_WITNESS, NODE_CONTROL, NODE_ORIGIN, NODE_GATEWAY};
    for (size_t i = 0; i < array_len(order); i++)
        if (nodes_start(d, order[i], e) < 0)
            return -1;
    roll_new(&d->roll, d);
    roll_call(d->roll, "exited");
    if (observer_new(&d->observer, d, e) < 0)
        return -1;
    int64_t within = NODES_NS + 2 * topo_lease_ms(d->plan->topology) * NS_PER_MS;
    int64_t bound = record_now(&d->rec) + within;
    const char *missing = NULL;
    bool up;
    while (!(up = observer_all_up(d->observer, &missing)) || !observer_has_leader(d->observer)) {
        if (manager_is_due(d, missing) && nodes_start(d, NODE_DNS, e) < 0)
            return -1;
        if (record_now(&d->rec) >= bound)
            return err_set(e, ERR_RUN, up ? "stores" : missing, up ? "no store took the lead within %lld s"
                           : "the node did not answer its admin port within %lld s (its log is in nodes/)",
                           (long long)(within / NS_PER_S));
        if (!drill_wait(d, record_now(&d->rec) + 20 * NS_PER_MS))
            return 0;
    }
    return 0;
}

int prelude_customers(struct drill *d, struct err *e)
{
    if (crowd_new(&d->crowd, d, e) < 0 || strikes_new(&d->strikes, d, e) < 0 || steady_new(&d->steady, d, e) < 0)
        return -1;
    int64_t bound = record_now(&d->rec) + CUSTOMERS_NS;
    while (!crowd_ready(d->crowd) || !strikes_ready(d->strikes)) {
        if (record_now(&d->rec) >= bound)
            return err_set(e, ERR_RUN, "load", "a load worker was not ready within %lld s",
                           (long long)(CUSTOMERS_NS / NS_PER_S));
        if (!drill_wait(d, record_now(&d->rec) + 10 * NS_PER_MS))
            return 0;
    }
    return 0;
}

static void baseline_record(struct drill *d, const struct baseline *b, bool met, const char *why)
{
    int64_t now = record_now(&d->rec);
    struct event ev = {.kind = EVENT_BASELINE, .at_ns = met ? b->from_ns : now, .end_ns = met ? b->to_ns : now,
                       .outcome = met ? "met" : "missed", .detail = why,
                       .data = json_pack("{s:I,s:I,s:f,s:f,s:f}", "intended", (json_int_t)b->intended, "good",
                                         (json_int_t)b->good, "p50_ms", (double)b->p50_ns / 1e6, "p95_ms",
                                         (double)b->p95_ns / 1e6, "p99_ms", (double)b->p99_ns / 1e6)};
    record_add(&d->rec, &ev);
    json_decref(ev.data);
}

bool prelude_baseline(struct drill *d)
{
    struct err e = {0};
    struct baseline b = {0};
    char why[160] = "";
    int64_t start = record_now(&d->rec) + LEAD_NS, bound = start + d->plan->baseline_within_ns;
    observer_positions(d->observer, true);
    bool met = false;
    if (crowd_start(d->crowd, start, &e) == 0)
        while (!met && record_now(&d->rec) < bound && drill_wait(d, record_now(&d->rec) + 250 * NS_PER_MS)) {
            met = steady_reached(d->steady, start, &b, why);
            if (met && d->plan->expect_no_drift && !observer_in_sync(d->observer)) {
                met = false;
                snprintf(why, sizeof(why), "a gateway reports drift");
            }
        }
    baseline_record(d, &b, met, met ? NULL : e.kind ? e.msg : why);
    return met;
}
