/* SPDX-License-Identifier: MIT */
/*
 * Method: faults are compared pair by pair over the time in which both are open. What one of them would hide, or what
 * two would set at once, cannot be proven afterwards; it is refused here with both places. Verbs are told apart by what
 * their rows say of them (severing, proven once, target, keys), never by name, so that new verbs obey the same rules.
 *
 * A timeline has at most two hundred steps, hence pairs are few.
 */
#include "harness/base/units.h"
#include "harness/spec/plan_compile.h"
#include "harness/spec/rounds.h"
#include <string.h>

struct check {
    const struct plan *p;
    const struct scenario *s;
    struct diag_list *diags;
};

static bool both_open(const struct plan_step *a, const struct plan_step *b)
{
    return a->at_ns < b->until_ns && b->at_ns < a->until_ns;
}

static bool share_node(const struct topology *t, const struct plan_step *a, const struct plan_step *b)
{
    for (uint16_t i = 0; i < t->node_count; i++) {
        if (step_hits_node(t, a, i) && step_hits_node(t, b, i)) {
            return true;
        }
    }
    return false;
}

/* Only the two paths of a link that one of them names are looked at: a large world has thirty thousand. */
static bool share_path(const struct topology *t, const struct plan_step *a, const struct plan_step *b)
{
    const struct plan_step *narrow = a->action.sides ? b : a;
    bool named = narrow->action.target == TARGET_LINK && !narrow->action.sides;
    uint16_t first = named ? path_of(narrow->action.link, false) : 0,
             end = named ? first + 2 : 2 * (uint16_t)t->link_count;
    for (uint16_t path = first; path < end; path++) {
        if (action_hits_path(t, &a->action, path) && action_hits_path(t, &b->action, path)) {
            return true;
        }
    }
    return false;
}

static void conflict(const struct check *c, enum diag_code code, const struct plan_step *later,
                     const struct plan_step *earlier, const char *what, const char *help)
{
    struct diag *d =
        diag_error(c->diags, code, plan_step_place(c->s, later), "`%s` %s `%s`", later->text, what, earlier->text);
    diag_note_at(d, plan_step_place(c->s, earlier), "open at that time");
    diag_help(d, "%s", help);
}

/* A port that both single out, or all packets, which both keep back. */
static bool share_gate(const struct path_state *a, const struct path_state *b)
{
    return a->gate_count > 0 && b->gate_count > 0 && a->gates[0].port == b->gates[0].port;
}

/* A key of the verb that the step has written down: one that may be zero says so itself (`given`). */
static bool has_set(const struct plan_step *step, const struct field *f)
{
    static const char nothing[sizeof(int64_t)];
    const char *action = (const char *)&step->action;
    size_t size = f->given || f->kind == FIELD_BOOL ? sizeof(bool)
                  : f->kind == FIELD_REGION         ? sizeof(uint16_t)
                  : f->kind == FIELD_ENUM           ? sizeof(int)
                                                    : sizeof(int64_t);
    return memcmp(action + (f->given ? f->given : f->offset), nothing, size) != 0;
}

/* What a step sets on its target are the keys of which its verb wants at least one (FIELD_SOME): those of one verb
 * merge when they are different ones. A verb without such keys sets one thing: what it does. */
static bool has_parameters(const struct action_type *type)
{
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].choice == FIELD_SOME) {
            return true;
        }
    }
    return false;
}

/* The first parameter that both set, NULL if none. */
static const char *shared_parameter(const struct plan_step *a, const struct plan_step *b)
{
    const struct action_type *type = a->action.type;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *f = &type->fields[i];
        if (f->choice == FIELD_SOME && has_set(a, f) && has_set(b, f)) {
            return f->key;
        }
    }
    return NULL;
}

static void check_twice(const struct check *c, const struct plan_step *earlier, const struct plan_step *later,
                        const char *subject)
{
    const struct action_type *type = later->action.type;
    const char *parameter = shared_parameter(earlier, later);
    const char *clash = type->clash ? type->clash(&earlier->action, &later->action) : NULL;
    if (parameter) {
        conflict(c, DIAG_OVERLAP, later, earlier,
                 arena_printf(&c->diags->arena, "sets `%s` of the same %s as", parameter, subject),
                 "let one end before the other begins");
    } else if (clash) {
        conflict(c, DIAG_OVERLAP, later, earlier,
                 arena_printf(&c->diags->arena, "sets %s of the same %s as", clash, subject),
                 "let one end before the other begins");
    } else if (!has_parameters(type)) {
        conflict(c, DIAG_OVERLAP, later, earlier, "does once more what is done by",
                 "let one end before the other begins");
    }
}

static void check_tls(const struct check *c, const struct plan_step *step)
{
    if (!step->action.type->of_tls || c->p->topology->tls) {
        return;
    }
    struct diag *d = diag_error(c->diags, DIAG_CHOICE, plan_step_place(c->s, step), "`%s` hits gateways without TLS",
                                step->text);
    diag_help(d, "write `tls: true` under `topology`");
}

static void check_identity(const struct check *c, const struct plan_step *step)
{
    if (!step->action.type->of_identity || c->p->topology->identity.asked) {
        return;
    }
    struct diag *d = diag_error(c->diags, DIAG_CHOICE, plan_step_place(c->s, step),
                                "`%s` is about keys that no gateway asks for", step->text);
    diag_help(d, "add `identity: {}` under `topology`");
}

/* Which packets pass at all is decided once for each kind of them, whatever the verb. */
static void check_packets(const struct check *c, const struct plan_step *earlier, const struct plan_step *later)
{
    const struct path_state *a = &earlier->action.shape, *b = &later->action.shape;
    if ((a->cut && b->cut) || share_gate(a, b)) {
        conflict(c, DIAG_OVERLAP, later, earlier, "decides about the same packets as",
                 "let one end before the other begins");
    }
}

/* Says which packets pass, by any verb, not how they fare. */
static bool decides_packets(const struct action_type *type)
{
    return type->selective && type->severing;
}

static void check_pair(const struct check *c, const struct plan_step *earlier, const struct plan_step *later)
{
    const struct topology *t = c->p->topology;
    const struct action_type *a = earlier->action.type, *b = later->action.type;
    if (!both_open(earlier, later) || (a == b && a->apart && a->apart(&earlier->action, &later->action))) {
        return;
    }
    bool same_node = share_node(t, earlier, later), packets = decides_packets(a) && decides_packets(b);
    if (same_node && step_kills(earlier)) {
        conflict(c, DIAG_DEAD, later, earlier, "is aimed at what is dead since", "restore the target first");
    } else if (same_node && step_kills(later) && a->of_process) {
        conflict(c, DIAG_OVERLAP, later, earlier, "would put an end to", "let one end before the other begins");
    } else if (same_node && a == b) {
        check_twice(c, earlier, later, "node");
    } else if (!same_node && (packets || a == b) && share_path(t, earlier, later)) {
        if (packets) {
            check_packets(c, earlier, later);
        } else {
            check_twice(c, earlier, later, "link");
        }
    }
}

/* Under a cut nothing else is seen; where everything, or what is shaped, is rejected, no shape. */
static bool hides(const struct action *over, const struct action *under)
{
    return over->shape.cut || (under->shape.gate_count == 0 && !path_passes(&over->shape, under->port));
}

/* What hides a path of the step as long as it lasts, NULL if nothing. */
static const struct plan_step *cut_over(const struct check *c, const struct plan_step *step, uint16_t path)
{
    for (size_t i = 0; i < c->p->step_count; i++) {
        const struct plan_step *other = &c->p->steps[i];
        if (step_is_fault(other) && hides(&other->action, &step->action) && other->at_ns <= step->at_ns &&
            other->until_ns >= step->until_ns && action_hits_path(c->p->topology, &other->action, path)) {
            return other;
        }
    }
    return NULL;
}

/* Every path of the step is cut, or rejected, from its begin to its end. */
static void check_hidden(const struct check *c, const struct plan_step *step)
{
    const struct topology *t = c->p->topology;
    const struct plan_step *cut = NULL;
    for (uint16_t path = 0; path < 2 * t->link_count && !step->action.shape.cut; path++) {
        const struct plan_step *over = action_hits_path(t, &step->action, path) ? cut_over(c, step, path) : cut;
        if (!over && action_hits_path(t, &step->action, path)) {
            return;
        }
        cut = over;
    }
    if (cut) {
        conflict(c, DIAG_HIDDEN, step, cut, "could never be seen under", "let it outlast that");
    }
}

static void check_long_enough(const struct check *c, const struct plan_step *step)
{
    int64_t needed = step_proof_ns(&step->action), lasts = step->until_ns - step->at_ns;
    if (step->until_ns == INT64_MAX || lasts >= needed) {
        return;
    }
    char text[UNIT_MAX];
    struct diag *d = diag_error(c->diags, DIAG_TOO_SHORT, plan_step_place(c->s, step),
                                "`%s` is over before it could be proven", step->text);
    diag_label(d, "its proof takes up to %s",
               unit_print_duration((needed + NS_PER_MS - 1) / NS_PER_MS * NS_PER_MS, text));
    diag_help(d, "let it last longer");
}

/* The other steps that have brought it about, in the order of the timeline. */
static void name_helpers(const struct check *c, struct diag *d, const struct plan_step *last,
                         bool (*helps)(const struct check *c, const struct plan_step *step,
                                       const struct plan_step *last))
{
    for (const struct plan_step *step = c->p->steps; step < last; step++) {
        if (step_is_fault(step) && step->until_ns > last->at_ns && helps(c, step, last)) {
            diag_note_at(d, plan_step_place(c->s, step), "open at that time");
        }
    }
}

/* Nobody is served any more by the nodes that it hits. */
static bool ends_service(const struct plan_step *step)
{
    const struct action_type *type = step->action.type;
    return step_silences(step) && !(type->spares && type->spares(&step->action));
}

static bool silences_too(const struct check *c, const struct plan_step *step, const struct plan_step *last)
{
    (void)c, (void)last;
    return ends_service(step);
}

/* A region serves while one gateway and one origin of it are alive. */
static bool region_serves(const struct check *c, uint16_t site, int64_t at_ns)
{
    const struct topology *t = c->p->topology;
    bool gateway = false, origin = false;
    for (uint16_t n = t->sites[site].first_node; n < t->sites[site].first_node + t->sites[site].node_count; n++) {
        bool out = false;
        for (size_t i = 0; i < c->p->step_count; i++) {
            const struct plan_step *step = &c->p->steps[i];
            out |= ends_service(step) && step->at_ns <= at_ns && at_ns < step->until_ns && step_hits_node(t, step, n);
        }
        gateway |= !out && t->nodes[n].role == NODE_GATEWAY;
        origin |= !out && t->nodes[n].role == NODE_ORIGIN;
    }
    return gateway && origin;
}

static void check_service(const struct check *c, const struct plan_step *step)
{
    static const enum target_key expecting[] = {TARGET_RTO, TARGET_AVAILABILITY, TARGET_P99};
    const struct topology *t = c->p->topology;
    for (uint16_t i = 0; i < t->site_count; i++) {
        if (t->sites[i].kind == SITE_REGION && region_serves(c, i, step->at_ns)) {
            return;
        }
    }
    for (size_t i = 0; i < sizeof(expecting) / sizeof(expecting[0]); i++) {
        const char *key = target_types[expecting[i]].key;
        if (plan_target_find(c->p, expecting[i])) {
            struct diag *d = diag_error(c->diags, DIAG_NO_SERVICE, plan_step_place(c->s, step),
                                        "with `%s` no region is left to serve", step->text);
            diag_note_at(d, node_get(c->s->targets_node, key)->key->place, "this target expects service");
            name_helpers(c, d, step, silences_too);
            diag_help(d, "spare a region, or drop the target");
            return;
        }
    }
}

/* To clients, with this step and those before it. One direction is enough: no answer comes back. */
static bool is_cut(const struct check *c, uint16_t link, const struct plan_step *last)
{
    for (const struct plan_step *step = c->p->steps; step <= last; step++) {
        if (step_is_fault(step) && !path_passes(&step->action.shape, topo_customer_port(c->p->topology)) &&
            step->until_ns > last->at_ns && action_hits_link(c->p->topology, &step->action, link)) {
            return true;
        }
    }
    return false;
}

static bool ends_at(const struct topology *t, uint16_t link, uint16_t site)
{
    return t->links[link].a == site || t->links[link].b == site;
}

static bool touches(const struct topology *t, const struct action *a, uint16_t site)
{
    if (a->target == TARGET_LINK && !a->sides) {
        return ends_at(t, a->link, site);
    }
    for (uint16_t k = 0; k < t->link_count; k++) {
        if (ends_at(t, k, site) && action_hits_link(t, a, k)) {
            return true;
        }
    }
    return false;
}

/* A cut of another link of a vantage that has lost its last one. */
static bool cuts_too(const struct check *c, const struct plan_step *step, const struct plan_step *last)
{
    const struct topology *t = c->p->topology;
    bool same = false;
    for (uint16_t site = 0; site < t->site_count; site++) {
        same |=
            t->sites[site].kind == SITE_VANTAGE && touches(t, &step->action, site) && touches(t, &last->action, site);
    }
    return same && !path_passes(&step->action.shape, topo_customer_port(t));
}

static void check_routes(const struct check *c, const struct plan_step *step)
{
    const struct topology *t = c->p->topology;
    for (uint16_t site = 0; site < t->site_count; site++) {
        bool route = t->sites[site].kind != SITE_VANTAGE || !touches(t, &step->action, site);
        for (uint16_t l = 0; l < t->link_count && !route; l++) {
            route = (t->links[l].a == site || t->links[l].b == site) &&
                    t->sites[t->links[l].b].kind != SITE_DNS && !is_cut(c, l, step);
        }
        if (!route) {
            struct diag *d = diag_warning(c->diags, DIAG_NO_ROUTE, plan_step_place(c->s, step),
                                          "`%s` leaves %s no route to any region", step->text, t->sites[site].name);
            name_helpers(c, d, step, cuts_too);
            diag_help(d, "its requests will be bad whatever the gateways do");
        }
    }
}

/* A herd waits for the heal of some fault: one that ends while the surge is open. */
static void check_herd(const struct check *c, const struct plan_step *surge)
{
    for (size_t i = 0; i < c->p->step_count; i++) {
        const struct plan_step *step = &c->p->steps[i];
        if (step != surge && step_is_fault(step) && step->until_ns > surge->at_ns && step->until_ns < surge->until_ns) {
            return;
        }
    }
    struct diag *d = diag_warning(c->diags, DIAG_UNCHECKED, plan_step_place(c->s, surge),
                                  "no fault ends while this surge is open, so its herd never comes back");
    diag_help(d, "let the surge outlast the fault");
}

void plan_check_faults(const struct plan *p, const struct scenario *s, struct diag_list *diags)
{
    const struct check c = {.p = p, .s = s, .diags = diags};
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *step = &p->steps[i];
        check_identity(&c, step);
        if (!step_is_fault(step)) {
            continue;
        }
        for (size_t j = 0; j < i; j++) {
            if (step_is_fault(&p->steps[j])) {
                check_pair(&c, &p->steps[j], step);
            }
        }
        check_tls(&c, step);
        check_long_enough(&c, step);
        if (step->action.surge.herd) {
            check_herd(&c, step);
        }
        if (step->action.target == TARGET_LINK) {
            check_hidden(&c, step);
            if (!path_passes(&step->action.shape, topo_customer_port(p->topology)) && step->id == step->of) {
                check_routes(&c, step);
            }
        }
        if (ends_service(step)) {
            check_service(&c, step);
        }
    }
}
