/* SPDX-License-Identifier: MIT */
/*
 * Which links a step hits, in its three spellings: `between` two places, `isolate` one from all others, `split` the
 * world into sides. The last two are sides alike (action.h).
 *
 * What selects nothing is an error and never an empty fault: it would be proven in vain.
 */
#include "harness/base/text.h"
#include "harness/spec/scenario.h"

enum { SIDES_MAX = 16 };

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
            diag_error(b->diags, DIAG_WRONG_KIND, node_place(name), "a name on a side of `split` is %s", node_kind_name(name));
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
        struct diag *d =
            diag_error(b->diags, DIAG_WRONG_KIND, node_place(split), "`split` is not a list of 2 to %d sides", SIDES_MAX);
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

void step_resolve_link(struct binder *b, struct scenario_step *s)
{
    const struct yaml_node *between = node_get(s->node, "between");
    s->action.link = TOPO_NONE;
    if (!(between && s->between.len == 2) && !s->isolate && !s->split) {
        return;
    }
    s->action.target = TARGET_LINK;
    if (s->split) {
        resolve_split(b, s);
    } else if (s->isolate) {
        resolve_isolated(b, s, node_get(s->node, "isolate")->place);
    } else {
        resolve_link(b, s, between);
    }
}
