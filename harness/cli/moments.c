/* SPDX-License-Identifier: MIT */
/*
 * Words for what the rehearsal shows. Two directions of a link in the same state are one line; whatever is as it was at
 * the start is left out. Faults that are no matter of links or of the life of nodes (an edited configuration, say) are
 * named as they are.
 */
#include "harness/cli/moments.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/shape.h"
#include "harness/run/rehearse.h"
#include "harness/run/schedule.h"

#include <stdio.h>

struct painter {
    const struct plan *plan;
    json_t *moments;
};

static void gate_words(struct text *t, const struct path_state *s)
{
    static const char *const ways[] = {
        [GATE_DROP] = "cut", [GATE_REFUSE] = "refused", [GATE_UNREACHABLE] = "unreachable", [GATE_HALF] = "half"};
    for (size_t i = 0; i < s->gate_count; i++) {
        const struct path_gate *g = &s->gates[i];
        text_addf(t, "%s%s", t->len ? ", " : "", ways[g->way]);
        if (g->port) {
            text_addf(t, " on port %u", g->port);
        }
    }
}

/* Words for the shape that packets meet, of all or of one port. */
static void fare_words(struct text *t, const struct path_shape *s)
{
    char word[UNIT_MAX];
    const struct {
        const char *name;
        int64_t value;
        char *(*print)(int64_t value, char out[UNIT_MAX]);
    } parts[] = {{"delay", s->delay_ns, unit_print_duration},       {"jitter", s->jitter_ns, unit_print_duration},
                 {"loss", s->loss_ppm, unit_print_ratio},           {"duplicate", s->duplicate_ppm, unit_print_ratio},
                 {"corrupt", s->corrupt_ppm, unit_print_ratio},     {"reorder", s->reorder_ppm, unit_print_ratio},
                 {"rate", s->rate_bps, unit_print_bandwidth}};
    for (size_t i = 0; i < array_len(parts); i++) {
        if (parts[i].value) {
            text_addf(t, "%s%s %s", t->len ? ", " : "", parts[i].name, parts[i].print(parts[i].value, word));
        }
    }
    if (s->burst_milli) {
        text_addf(t, " in bursts of %g", (double)s->burst_milli / 1000);
    }
    if (s->limit_packets) {
        text_addf(t, "%squeue of %lld", t->len ? ", " : "", (long long)s->limit_packets);
    }
    if (s->mtu_bytes) {
        text_addf(t, "%snothing above %lld bytes", t->len ? ", " : "", (long long)s->mtu_bytes);
    }
}

static void lane_words(struct text *t, const struct path_state *s)
{
    for (uint16_t i = 0; i < s->lane_count; i++) {
        scoped_text struct text fare = {0};
        fare_words(&fare, &s->lanes[i].shape);
        text_addf(t, "%sport %u: %s more", t->len ? "; " : "", s->lanes[i].port, text_str(&fare));
    }
}

/* The words of scenario files, so that a state reads like the step that would ask for it. */
static void shape_words(struct text *t, const struct path_state *s)
{
    if (s->cut || s->down) {
        text_add(t, s->down ? "unplugged" : "cut");
        return;
    }
    gate_words(t, s);
    if (s->stalled) {
        text_addf(t, "%sstalled", t->len ? ", " : "");
    }
    if (s->block_new) {
        text_addf(t, "%snew connections blocked", t->len ? ", " : "");
    }
    fare_words(t, &s->shape);
    lane_words(t, s);
}

static void add_links(json_t *links, const struct painter *p, const struct fabric *f)
{
    const struct topology *t = p->plan->topology;
    for (uint16_t path = 0; path < 2 * t->link_count; path++) {
        struct path_state is = fabric_wanted(f, path);
        scoped_text struct text words = {0};
        if (shape_same(&is, &t->links[path / 2].baseline)) {
            continue;
        }
        shape_words(&words, &is);
        json_array_append_new(links, json_pack("{s:s,s:s,s:s}", "from", t->sites[path_from(t, path)].name, "to",
                                               t->sites[path_to(t, path)].name, "state", text_str(&words)));
    }
}

/* The strongest hold first: killed, frozen, cut off, short of something, serving badly. */
static const char *node_words(unsigned holds)
{
    return holds & HOLD_DOWN     ? (holds & HOLD_NO_DISK     ? "dead, its disk lost"
                                    : holds & HOLD_UNPLUGGED ? "dead, without power"
                                                             : "dead")
           : holds & HOLD_FROZEN    ? "frozen"
           : holds & HOLD_UNPLUGGED ? "without power"
           : holds & HOLD_STARVED   ? "starved"
                                    : "misbehaving";
}

static void add_nodes(json_t *nodes, const struct painter *p, const struct fabric *f)
{
    const struct topology *t = p->plan->topology;
    for (uint16_t node = 0; node < t->node_count; node++) {
        unsigned holds = fabric_held(f, node);
        if (holds) {
            json_array_append_new(nodes,
                                  json_pack("{s:s,s:s}", "node", t->nodes[node].name, "state", node_words(holds)));
        }
    }
}

/* A fault that asks nothing of links and nodes, or could not be rehearsed. */
static bool shows_nowhere(const struct moment *m, const struct plan_step *step)
{
    for (size_t i = 0; i < m->unseen_count; i++) {
        if (m->unseen[i] == step) {
            return true;
        }
    }
    return !fabric_hit_by(m->fabric, step->id);
}

static void add_deeds(json_t *begins, json_t *ends, const struct moment *m, const struct plan *p)
{
    for (size_t i = 0; i < m->deed_count; i++) {
        const struct deed *d = &m->deeds[i];
        if (d->kind != DEED_RESTORE) {
            json_array_append_new(d->kind == DEED_APPLY ? begins : ends, json_string(d->step->text));
        }
        for (size_t k = 0; d->kind == DEED_RESTORE && k < p->step_count; k++) {
            if (p->steps[k].ended_by == d->step->id) {
                json_array_append_new(ends, json_string(p->steps[k].text));
            }
        }
    }
    if (m->goes_on) {
        scoped_text struct text words = {0};
        text_addf(&words, "%s, the next", m->goes_on->text);
        json_array_append_new(begins, json_string(text_str(&words)));
        return;
    }
    for (size_t k = 0; m->deed_count == 0 && k < p->step_count; k++) {
        if (p->steps[k].action.type->class == ACTION_FAULT && p->steps[k].until_ns == INT64_MAX) {
            json_array_append_new(ends, json_string(p->steps[k].text));
        }
    }
}

static void paint(void *arg, const struct moment *m)
{
    struct painter *p = arg;
    json_t *begins = json_array(), *ends = json_array(), *links = json_array(), *nodes = json_array(),
           *also = json_array();
    add_deeds(begins, ends, m, p->plan);
    add_links(links, p, m->fabric);
    add_nodes(nodes, p, m->fabric);
    for (size_t i = 0; i < m->open_count; i++) {
        if (shows_nowhere(m, m->open[i])) {
            json_array_append_new(also, json_string(m->open[i]->text));
        }
    }
    json_array_append_new(p->moments, json_pack("{s:f,s:o,s:o,s:o,s:o,s:o}", "at_s", (double)m->at_ns / 1e9, "begins",
                                                begins, "ends", ends, "links", links, "nodes", nodes, "also", also));
}

json_t *moments_json(const struct plan *p, struct err *e)
{
    struct painter painter = {.plan = p, .moments = json_array()};
    if (rehearse(p, paint, &painter, e) < 0) {
        json_decref(painter.moments);
        return NULL;
    }
    return painter.moments;
}

/* For people. */

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void print_list(const json_t *list, const char *sign)
{
    size_t i;
    json_t *o;
    json_array_foreach(list, i, o)
    {
        printf("  %s %s", sign, json_string_value(o));
    }
}

static bool is_reverse(const json_t *a, const json_t *b)
{
    return text_eq(word(a, "from"), word(b, "to")) && text_eq(word(a, "to"), word(b, "from")) &&
           text_eq(word(a, "state"), word(b, "state"));
}

static void print_links(const json_t *links)
{
    size_t n = json_array_size(links);
    for (size_t i = 0; i < n; i++) {
        const json_t *o = json_array_get(links, i), *next = json_array_get(links, i + 1);
        bool both = next && is_reverse(o, next);
        scoped_text struct text name = {0};
        text_addf(&name, "%s %s %s", word(o, "from"), both ? "and" : "to", word(o, "to"));
        printf("%18s%-34s %s\n", "", text_str(&name), *word(o, "state") ? word(o, "state") : "perfect");
        i += both;
    }
}

static void print_moment(const json_t *m)
{
    const json_t *links = json_object_get(m, "links"), *nodes = json_object_get(m, "nodes"),
                 *also = json_object_get(m, "also");
    size_t i;
    json_t *o;
    printf("    %8.3f s", json_number_value(json_object_get(m, "at_s")));
    print_list(json_object_get(m, "ends"), "-");
    print_list(json_object_get(m, "begins"), "+");
    puts("");
    print_links(links);
    json_array_foreach(nodes, i, o)
    {
        printf("%18s%-34s %s\n", "", word(o, "node"), word(o, "state"));
    }
    json_array_foreach(also, i, o)
    {
        printf("%18s%s\n", "", json_string_value(o));
    }
    if (!json_array_size(links) && !json_array_size(nodes) && !json_array_size(also)) {
        printf("%18severything as at the start\n", "");
    }
}

void moments_print(const json_t *moments)
{
    size_t i;
    json_t *m;
    puts("  moments (+ begins, - ends; below, what is then not as at the start, all faults together)");
    json_array_foreach(moments, i, m)
    {
        print_moment(m);
    }
}
