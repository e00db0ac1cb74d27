/* SPDX-License-Identifier: MIT */
/*
 * drtest plan: one JSON document per scenario is built, and the text for people is printed from that document, so that
 * both say the same. Mechanisms come from probing this machine; on the sim lab nothing is probed.
 */
#include "harness/cli/plan.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/floors.h"
#include "harness/cli/machine.h"
#include "harness/cli/moments.h"
#include "harness/cli/profiles.h"
#include "harness/cli/routing.h"
#include "harness/cli/show_config.h"
#include "harness/cli/targets.h"
#include "harness/load/needs.h"
#include "harness/measure/measure.h"
#include "harness/spec/profile.h"
#include "injectors/injector.h"

#include <math.h>
#include <stdio.h>

struct stage {
    struct call *call;
    const struct lab_caps *caps; /* NULL: sim */
    const char *forced[LAB_EFFECTS];
    size_t wired; /* links that the wire carries */
};

static json_t *seconds(int64_t ns)
{
    return ns == INT64_MAX ? json_null() : json_real((double)ns / 1e9);
}

static json_t *mechanism_json(const struct stage *s, enum lab_effect effect)
{
    struct lab_mechanism m = machine_mechanism(s->caps, effect);
    const char *name = m.available ? m.name : "none";
    return json_pack("{s:s,s:s,s:s?}", "effect", lab_effect_words[effect], "name", name ? name : "none", "why", m.why);
}

static json_t *steps_json(const struct stage *s, const struct plan *p)
{
    json_t *all = json_array();
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *step = &p->steps[i];
        enum action_class class = step->action.type->class;
        bool acts = class == ACTION_FAULT || class == ACTION_OPERATOR;
        json_t *o = json_pack("{s:i,s:o,s:s,s:s?,s:i,s:o,s:o}", "id", step->id, "at_s", seconds(step->at_ns), "what",
                              step->text, "note", step->note, "line", step->line, "until_s",
                              class == ACTION_FAULT ? seconds(step->until_ns) : json_null(), "mechanism",
                              acts ? mechanism_json(s, injector_effect(&step->action)) : json_null());
        if (class == ACTION_FAULT) {
            json_object_set_new(o, "hold_s", seconds(step->hold_ns));
            json_object_set_new(o, "ended_by",
                                json_string(step->has_for    ? "for"
                                            : step->ended_by ? "restore"
                                                             : "rollback"));
            json_object_set_new(o, "rto_floor", floor_json(floor_rto(p, step)));
            json_object_set_new(o, "hold_supports_ratio", json_finite(floor_hold_support(p, step->hold_ns)));
        }
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *targets_json(const struct plan *p)
{
    json_t *all = json_array();
    for (size_t i = 0; i < p->target_count; i++) {
        const struct plan_target *t = &p->targets[i];
        const struct target_type *type = &target_types[t->key];
        char value[UNIT_MAX];
        struct floor f = floor_of_target(p, t->key);
        json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:b,s:o,s:s?}", "name", type->key, "direction",
                                             type->at_least ? "at_least" : "at_most", "target", target_print(t, value),
                                             "implied", t->implied, "floor", floor_json(f), "floor_says",
                                             floor_says(t, f)));
    }
    return all;
}

/* What a netns lab makes of the topology: a namespace per node and per router, a veth pair per node and per link;
 * for wired links one namespace and process more, and a second pair each; a process that answers for what is
 * rejected. */
static json_t *objects_json(const struct stage *s, const struct plan *p)
{
    const struct topology *t = p->topology;
    json_int_t wire = s->wired > 0, wired = (json_int_t)s->wired;
    if (!s->caps) {
        return json_pack("{s:i,s:i,s:i}", "network_namespaces", 0, "veth_pairs", 0, "processes", 0);
    }
    return json_pack("{s:I,s:I,s:I}", "network_namespaces", (json_int_t)(t->node_count + t->site_count) + wire,
                     "veth_pairs", (json_int_t)(t->node_count + t->link_count) + wired, "processes",
                     (json_int_t)t->node_count + wire + machine_needs(p, EFFECT_REJECT));
}

/* What the load takes; ports and addresses are of the vantage that takes most. */
static json_t *needs_json(const struct stage *s, const struct plan *p)
{
    struct load_needs n = load_needs(p);
    if (!s->caps) {
        return json_pack("{s:i,s:i,s:i,s:I,s:I}", "descriptors", 0, "ports", 0, "addresses", 0, "memory_bytes",
                         (json_int_t)n.memory_bytes, "disk_bytes", (json_int_t)n.disk_bytes);
    }
    return json_pack("{s:I,s:I,s:i,s:I,s:I}", "descriptors", (json_int_t)n.descriptors, "ports", (json_int_t)n.ports,
                     "addresses", n.addresses, "memory_bytes", (json_int_t)n.memory_bytes, "disk_bytes",
                     (json_int_t)n.disk_bytes);
}

/* Why it cannot run here; empty when it can. */
static void judge_machine(const struct stage *s, const struct plan *p, struct text *unfit)
{
    struct err e = {0};
    if (machine_unfit(s->caps, p, unfit)) {
        return;
    }
    if (load_needs_check(p, !s->caps, &e) < 0) {
        text_addf(unfit, "%s: %s; %s", e.at, e.msg, e.help);
    }
}

static json_t *plan_json(const struct stage *machine, const struct plan *p)
{
    scoped_text struct text unfit = {0};
    struct stage here = *machine;
    const struct stage *s = &here;
    struct lab_caps caps;
    judge_machine(machine, p, &unfit);
    if (machine->caps) {
        caps = *machine->caps;
        here.caps = &caps;
        here.wired = machine_settle(&caps, p, machine->forced);
    }
    bool left_out = s->caps && machine_shapes_links(p->topology) && !s->caps->effects[EFFECT_DEGRADE].available;
    json_t *limits = json_array();
    if (left_out) {
        json_array_append_new(limits,
                              json_string("link delays, jitter, loss and rates of the topology are left out: this "
                                          "machine cannot make them"));
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:s?,s:o,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o,s:o},s:o,s:o}", "name", p->name,
                     "title", p->title, "file", p->file, "sha256", p->sha256, "seed", (json_int_t)p->seed, "lab",
                     s->caps ? "netns" : "sim", "unfit", unfit.len ? text_str(&unfit) : NULL, "steps", steps_json(s, p),
                     "targets", targets_json(p), "objects", objects_json(s, p), "needs", needs_json(s, p), "times",
                     "baseline_hold_s", seconds(p->baseline_hold_ns), "baseline_within_s",
                     seconds(p->baseline_within_ns), "timeline_end_s", seconds(p->timeline_end_ns), "observe_s",
                     seconds(p->observe_ns), "drill_s", seconds(p->drill_ns), "limits", limits, "routing",
                     routing_json(p->topology));
}

/* A plan whose moments cannot be rehearsed is a plan all the same. */
static void add_moments(json_t *doc, const struct plan *p)
{
    struct err e = {0};
    json_t *moments = moments_json(p, &e);
    json_object_set_new(doc, "moments", moments ? moments : json_array());
    if (!moments) {
        scoped_text struct text limit = {0};
        text_addf(&limit, "the moments could not be rehearsed: %s", e.msg);
        json_array_append_new(json_object_get(doc, "limits"), json_string(text_str(&limit)));
    }
}

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void print_steps(const json_t *steps)
{
    size_t i;
    json_t *o;
    puts("  steps (scenario time; 0 is the end of the steady-state check)");
    json_array_foreach(steps, i, o)
    {
        const json_t *m = json_object_get(o, "mechanism"), *until = json_object_get(o, "until_s");
        printf("    %8.3f s  %-28s", json_number_value(json_object_get(o, "at_s")), word(o, "what"));
        if (json_is_object(m)) {
            printf(" by %s", word(m, "name"));
        }
        if (json_is_number(until)) {
            printf(", until %.3f s", json_number_value(until));
        } else if (json_object_get(o, "ended_by")) {
            printf(", until rollback");
        }
        if (json_object_get(o, "hold_s")) {
            printf(", recovered when good for %.1f s", json_number_value(json_object_get(o, "hold_s")));
        }
        if (json_is_number(json_object_get(o, "hold_supports_ratio"))) {
            printf(" (hold supports only >= %.2f %%)",
                   100 * json_number_value(json_object_get(o, "hold_supports_ratio")));
        }
        printf("%s%s\n", *word(o, "note") ? "  # " : "", word(o, "note"));
        if (text_eq(word(m, "name"), "none")) {
            printf("%16scannot be done here: %s\n", "", word(m, "why"));
        }
    }
}

static void print_targets(const json_t *targets)
{
    size_t i;
    json_t *o;
    puts(json_array_size(targets) ? "  targets" : "  targets  none: the run reports what it measures");
    json_array_foreach(targets, i, o)
    {
        const json_t *floor = json_object_get(o, "floor"), *min = json_object_get(floor, "min_s"),
                     *mean = json_object_get(floor, "mean_s");
        printf("    %-20s %s %-8s%s", word(o, "name"),
               text_eq(word(o, "direction"), "at_least") ? "at least" : "at most", word(o, "target"),
               json_is_true(json_object_get(o, "implied")) ? " (implied)" : "");
        if (json_is_number(mean)) {
            printf("  the configuration alone takes %.3f to %.3f s, %.3f s on average", json_number_value(min),
                   json_number_value(json_object_get(floor, "max_s")), json_number_value(mean));
        }
        if (*word(o, "floor_says")) {
            printf(": %s", word(o, "floor_says"));
        }
        puts("");
    }
}

static void print_needs(const json_t *needs)
{
    long long mib = 1 << 20, addresses = json_integer_value(json_object_get(needs, "addresses"));
    printf("  takes at most %lld MiB of memory, %lld MiB of disk",
           json_integer_value(json_object_get(needs, "memory_bytes")) / mib + 1,
           json_integer_value(json_object_get(needs, "disk_bytes")) / mib + 1);
    if (json_integer_value(json_object_get(needs, "descriptors"))) {
        printf("; a load process %lld open files, %lld ports on %lld address%s",
               json_integer_value(json_object_get(needs, "descriptors")),
               json_integer_value(json_object_get(needs, "ports")), addresses, addresses == 1 ? "" : "es");
    }
    puts("");
}

static void print_plan(const json_t *doc)
{
    const json_t *objects = json_object_get(doc, "objects"), *times = json_object_get(doc, "times");
    printf("%s: %s\n  %s  seed %lld  lab %s\n", word(doc, "name"), word(doc, "title"), word(doc, "file"),
           (long long)json_integer_value(json_object_get(doc, "seed")), word(doc, "lab"));
    if (json_integer_value(json_object_get(doc, "repeat_count")) > 1) {
        printf("  %lld times, each with a fresh world and a seed derived from this one\n",
               (long long)json_integer_value(json_object_get(doc, "repeat_count")));
    }
    printf("  makes %lld network namespaces, %lld veth pairs, %lld processes; all gone afterwards\n",
           (long long)json_integer_value(json_object_get(objects, "network_namespaces")),
           (long long)json_integer_value(json_object_get(objects, "veth_pairs")),
           (long long)json_integer_value(json_object_get(objects, "processes")));
    print_needs(json_object_get(doc, "needs"));
    printf("  steady state for %.1f s, reached within %.0f s; the drill takes about %.0f s\n",
           json_number_value(json_object_get(times, "baseline_hold_s")),
           json_number_value(json_object_get(times, "baseline_within_s")),
           json_number_value(json_object_get(times, "drill_s")));
    routing_print(json_object_get(doc, "routing"));
    print_steps(json_object_get(doc, "steps"));
    moments_print(json_object_get(doc, "moments"));
    print_targets(json_object_get(doc, "targets"));
    profiles_print(json_object_get(doc, "profiles"));
    size_t i;
    json_t *limit;
    json_array_foreach(json_object_get(doc, "limits"), i, limit)
    {
        printf("  limit: %s\n", json_string_value(limit));
    }
    if (*word(doc, "unfit")) {
        printf("  cannot run here: %s\n", word(doc, "unfit"));
    }
}

int plan_show(struct call *c, const struct batch *b, bool simulated, const struct option_list *mechanisms,
              json_t *settings, struct err *e)
{
    struct lab_caps caps = {0};
    struct stage s = {.call = c, .caps = simulated ? NULL : &caps};
    if (machine_forced(mechanisms, &c->arena, s.forced, e) < 0 ||
        (!simulated && (lab_caps_probe(&caps, e) < 0 || lab_caps_force(&caps, s.forced, e) < 0))) {
        return -1;
    }
    int code = 0;
    if (settings && !c->globals.json) {
        show_config_print(settings);
        puts("");
    }
    for (size_t i = 0; i < b->jobs.len; i++) {
        const struct job *job = &b->jobs.at[i];
        if (job->repeat_index > 1) {
            continue; /* the same plan with another seed */
        }
        scoped_json json_t *doc = plan_json(&s, job->plan);
        add_moments(doc, job->plan);
        json_object_set_new(doc, "profiles", profiles_json(b, job->plan));
        json_object_set_new(doc, "repeat_count", json_integer(job->repeat_count));
        if (settings) {
            json_object_set(doc, "settings", settings);
        }
        scoped_free char *text = c->globals.json ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
        if (text) {
            puts(text);
        } else {
            fputs(i ? "\n" : "", stdout);
            print_plan(doc);
        }
        code = *word(doc, "unfit") ? 5 : code;
    }
    return code;
}

struct plan_flags {
    struct option_list set, mechanisms;
    const char *lab, *profile;
    int64_t seed;
    bool show_config;
};

static const char *const lab_words[] = {"netns", "sim", NULL};
static const struct option_row options[] = {
    {.name = "set",
     .kind = OPTION_LIST,
     .offset = offsetof(struct plan_flags, set),
     .value = "KEY=VALUE",
     .help = "override a value of the scenario"},
    {.name = "profile",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct plan_flags, profile),
     .value = "NAME",
     .choices = profile_words,
     .help = "ci or article: the same with other times of checks and names"},
    {.name = "seed",
     .kind = OPTION_COUNT,
     .offset = offsetof(struct plan_flags, seed),
     .value = "N",
     .help = "random numbers of the run"},
    {.name = "lab",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct plan_flags, lab),
     .value = "KIND",
     .choices = lab_words,
     .fallback = "netns",
     .help = "netns or sim"},
    {.name = "mechanism",
     .kind = OPTION_LIST,
     .offset = offsetof(struct plan_flags, mechanisms),
     .value = "EFFECT=NAME",
     .help = "force how an effect is made, e.g. cut=fib"},
    {.name = "show-config",
     .offset = offsetof(struct plan_flags, show_config),
     .help = "also print every setting that run would have, and its source"},
};

static int run(struct call *c)
{
    const struct plan_flags *f = c->flags;
    struct err e = {0};
    struct batch b = {0};
    struct option_list no_tags = {0};
    struct batch_options o = {.set = &f->set, .tags = &no_tags, .repeat = -1, .seed = f->seed, .profile = f->profile};
    int code = batch_load(&b, &c->operands, &o, &e) < 0 ? -1 : b.errors ? 3 : 0;
    scoped_text struct text t = {0};
    batch_print(&b, &t, "human", c->err.colour);
    fputs(text_str(&t), stderr);
    code = code == 0 && b.jobs.len == 0 ? say_no_match(b.files) : code;
    scoped_json json_t *settings = code == 0 && f->show_config ? show_config(c, &code) : NULL;
    if (code == 0) {
        code = plan_show(c, &b, text_eq(f->lab, "sim"), &f->mechanisms, settings, &e);
    }
    batch_deinit(&b);
    return code < 0 ? say_error(&c->err, &e) : code;
}

const struct command command_plan = {.name = "plan",
                                     .operands = "PATH",
                                     .summary = "what a run would do on this machine; starts nothing",
                                     .exits = "0 3 5 6",
                                     .options = options,
                                     .option_count = array_len(options),
                                     .flags_size = sizeof(struct plan_flags),
                                     .operands_min = 1,
                                     .operands_max = 1,
                                     .run = run};
