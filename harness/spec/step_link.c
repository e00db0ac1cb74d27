/* SPDX-License-Identifier: MIT */
/*
 * Which links a step hits, in its three spellings: `between` two places, `isolate` one from all others, `split` the
 * world into sides. The last two are sides alike (action.h).
 *
 * And which packets there: all, or those of one port, by the name of who speaks on it (`only`).
 *
 * What selects nothing is an error and never an empty fault: it would be proven in vain.
 */
#include "harness/base/text.h"
#include "harness/spec/scenario.h"

#include <stddef.h>

enum { SIDES_MAX = 16 };

struct only_written {
    int proto;
    int64_t port;
};

static uint16_t find_site(struct binder *b, const char *name, struct place at)
{
    const struct topology *t = b->topology;
    uint16_t site = topo_site_find(t, name);
    if (site == TOPO_NONE) {
        const char *names[TOPO_MAX_SITES];
        for (size_t i = 0; i < t->site_count; i++) {
            names[i] = t->sites[i].name;
        }
        diag_label(field_unknown(b, DIAG_NO_SUCH, at, "region", name, names, t->site_count), "not in the topology");
    }
    return site;
}

static enum link_direction turned(enum link_direction d)
{
    return d == DIRECTION_FORWARD ? DIRECTION_BACKWARD : d == DIRECTION_BACKWARD ? DIRECTION_FORWARD : d;
}

static void resolve_link(struct binder *b, struct scenario_step *s, const struct yaml_node *between)
{
    struct place second = field_text_place(between, 1);
    uint16_t from = find_site(b, s->between.at[0], field_text_place(between, 0));
    uint16_t to = find_site(b, s->between.at[1], second);
    if (from == TOPO_NONE || to == TOPO_NONE) {
        return;
    }
    s->action.link = topo_link_find(b->topology, from, to);
    if (s->action.link == TOPO_NONE) {
        struct diag *d = diag_error(b->diags, DIAG_NO_SUCH, second, "there is no link between `%s` and `%s`",
                                    s->between.at[0], s->between.at[1]);
        diag_help(d, from == to ? "name two different regions" : "name two regions, or a region and a vantage");
        return;
    }
    if (b->topology->links[s->action.link].a != from) {
        s->action.direction = turned(s->action.direction);
    }
}

static bool sides_meet(const struct topology *t, const struct scenario_step *s, uint8_t side)
{
    for (uint16_t k = 0; k < t->link_count; k++) {
        uint8_t a = s->action.sides[t->links[k].a], b = s->action.sides[t->links[k].b];
        if (a && b && a != b && (a == side || b == side)) {
            return true;
        }
    }
    return false;
}

static void resolve_isolated(struct binder *b, struct scenario_step *s, struct place at)
{
    const struct topology *t = b->topology;
    uint16_t site = find_site(b, s->isolate, at);
    if (site == TOPO_NONE) {
        return;
    }
    uint8_t *sides = arena_array(b->arena, uint8_t, t->site_count);
    for (size_t i = 0; i < t->site_count; i++) {
        sides[i] = i == site ? 1 : 2;
    }
    s->action.sides = sides;
    if (!sides_meet(t, s, 1)) {
        struct diag *d = diag_error(b->diags, DIAG_NO_SUCH, at, "`%s` has no link with anything", s->isolate);
        diag_help(d, "name a region or a vantage");
    }
}

/* One side of a split: a list of names, none of which stands on another side. */
static void take_side(struct binder *b, const struct yaml_node *side, uint8_t number, uint8_t *sides)
{
    if (side->kind != NODE_LIST || side->count == 0) {
        struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, node_place(side), "a side of `split` is %s",
                                    side->kind == NODE_LIST ? "empty" : node_kind_name(side));
        diag_help(d, "write `split: [[us-east], [eu-west, ap-south]]`");
        return;
    }
    for (const struct yaml_node *name = side->first; name; name = name->next) {
        if (name->kind != NODE_SCALAR) {
            diag_error(b->diags, DIAG_WRONG_KIND, node_place(name), "a name on a side of `split` is %s",
                       node_kind_name(name));
            continue;
        }
        uint16_t site = find_site(b, name->text, name->place);
        if (site != TOPO_NONE && sides[site]) {
            diag_error(b->diags, DIAG_CHOICE, name->place, "`%s` is on a side already", name->text);
        } else if (site != TOPO_NONE) {
            sides[site] = number;
        }
    }
}

static void resolve_split(struct binder *b, struct scenario_step *s)
{
    const struct yaml_node *split = s->split;
    if (split->broken) {
        return;
    }
    if (split->kind != NODE_LIST || split->count < 2 || split->count > SIDES_MAX) {
        struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, node_place(split),
                                    "`split` is not a list of 2 to %d sides", SIDES_MAX);
        diag_help(d, "write `split: [[us-east], [eu-west, ap-south]]`");
        return;
    }
    size_t wrong = b->diags->errors;
    uint8_t *sides = arena_array(b->arena, uint8_t, b->topology->site_count), number = 0;
    for (const struct yaml_node *side = split->first; side; side = side->next) {
        take_side(b, side, ++number, sides);
    }
    s->action.sides = sides;
    number = 0;
    for (const struct yaml_node *side = split->first; side && b->diags->errors == wrong; side = side->next) {
        if (!sides_meet(b->topology, s, ++number)) {
            struct diag *d = diag_error(b->diags, DIAG_NO_SUCH, node_place(side), "this side has no link with another");
            diag_help(d, "regions have links with regions and vantages; vantages have none with each other");
            return;
        }
    }
}

static const char *const protocols[] = {"tcp", NULL};

static const struct field only_fields[] = {
    {.key = "proto", .kind = FIELD_ENUM, .offset = offsetof(struct only_written, proto), .words = protocols,
     .preset = "tcp",
     .doc = "all that crosses links"},
    {.key = "port", .kind = FIELD_COUNT, .offset = offsetof(struct only_written, port), .required = true, .min = 1,
     .max = UINT16_MAX, .example = "7001", .doc = "packets to it, and answers from it"},
};

const struct field_set only_set = {.name = "`only`",
                                   .topic = "timeline.partition.only",
                                   .summary = "one port of a link",
                                   .fields = only_fields,
                                   .count = sizeof(only_fields) / sizeof(only_fields[0])};

static const struct yaml_node *only_port(struct binder *b, const struct yaml_node *only, int64_t *port)
{
    struct only_written written = {0};
    field_bind(b, &only_set, only, &written);
    *port = written.port;
    return node_get(only, "port");
}

static void no_such_plane(struct binder *b, const struct yaml_node *only)
{
    const char *words[8];
    size_t n = 0;
    for (const struct action_plane *p = action_planes; p->word; p++) {
        words[n++] = p->word;
    }
    if (text_eq(only->text, "health")) {
        struct diag *d = diag_error(b->diags, DIAG_BAD_VALUE, only->place,
                                    "health checks ask port %d, as clients do: on a link they cannot be told apart",
                                    topo_customer_port(b->topology));
        diag_help(d, "write `only: clients`, which hits both");
        return;
    }
    field_unknown(b, DIAG_BAD_VALUE, only->place, "plane", only->text, words, n);
}

/* The port that `only` names, and where it stands; NULL after reporting. */
static const struct yaml_node *resolve_only(struct binder *b, const struct yaml_node *only, int64_t *port)
{
    if (only->broken) {
        return NULL;
    }
    if (only->kind == NODE_MAP) {
        return only_port(b, only, port);
    }
    if (only->kind != NODE_SCALAR) {
        struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, node_place(only), "`only` is %s", node_kind_name(only));
        diag_help(d, "write `only: replication` or `only: {proto: tcp, port: 7001}`");
        return NULL;
    }
    for (const struct action_plane *p = action_planes; p->word; p++) {
        if (text_eq(p->word, only->text)) {
            *port = p->port == TOPO_PORT_HTTP ? topo_customer_port(b->topology) : p->port;
            return only;
        }
    }
    no_such_plane(b, only);
    return NULL;
}

/* Does anything speak on the port across a link that is hit? */
static void check_plane(struct binder *b, const struct scenario_step *s, const struct yaml_node *at)
{
    const struct topology *t = b->topology;
    for (uint16_t k = 0; k < t->link_count; k++) {
        if (action_hits_link(t, &s->action, k) && action_plane_crosses(t, k, s->action.port)) {
            return;
        }
    }
    struct diag *d = diag_error(b->diags, DIAG_NO_SUCH, at->place, "nothing speaks on port %u across these links",
                                (unsigned)s->action.port);
    diag_help(d,
              "clients ask regions on %d, gateways on %d, stores replicate between regions on %d, regions ask the "
              "witness on %d%s",
              topo_customer_port(t), TOPO_PORT_HTTP, TOPO_PORT_REPLICATION, TOPO_PORT_LEASE,
              t->control.there ? ", gateways ask for their configuration on 7003" : "");
}

/* What a severing step makes of the packets that it hits. */
static void shape_cut(struct scenario_step *s)
{
    struct action *a = &s->action;
    a->shape.cut = a->way == GATE_DROP && a->port == 0;
    a->shape.gate_count = !a->shape.cut;
    a->shape.gates[0] = (struct path_gate){.port = a->port, .way = a->way};
}

static void resolve_hit(struct binder *b, struct scenario_step *s, const struct yaml_node *between)
{
    if (s->split) {
        resolve_split(b, s);
    } else if (s->isolate) {
        resolve_isolated(b, s, node_get(s->node, "isolate")->place);
    } else {
        resolve_link(b, s, between);
    }
}

void step_resolve_link(struct binder *b, struct scenario_step *s)
{
    const struct yaml_node *between = node_get(s->node, "between");
    s->action.link = TOPO_NONE;
    if (!(between && s->between.len == 2) && !s->isolate && !s->split) {
        return;
    }
    size_t wrong = b->diags->errors;
    int64_t port = 0;
    s->action.target = TARGET_LINK;
    resolve_hit(b, s, between);
    const struct yaml_node *at = s->only ? resolve_only(b, s->only, &port) : NULL;
    s->action.port = (uint16_t)port;
    if (at && b->diags->errors == wrong) {
        check_plane(b, s, at);
    }
    if (s->action.type->severing) {
        shape_cut(s);
    }
}
