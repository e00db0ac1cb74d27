/* SPDX-License-Identifier: MIT */
/*
 * Method: the verb in `do` decides which keys a step may have: the shared ones that the verb's mask of targets allows,
 * and the verb's own table. Both are bound in one pass over the same map, so that an unknown key is compared with all
 * of them. Afterwards the target is looked up in the topology.
 *
 * Failure paths: a step without a known verb is reported and left out; the other steps are still checked. Without a
 * topology (reported already) names are not looked up.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/scenario.h"
#include <stdio.h>
#include <string.h>

#define IN(member) .offset = offsetof(struct scenario_step, member)

static const char *const direction_words[] = {"both", "forward", "backward", NULL};

/* clang-format off */
/* Shared keys: which targets or class of verbs have them. */
static const struct shared_key {
    struct field field;
    unsigned targets; /* 0: whatever the target */
    enum { EVERY_STEP, FAULTS, SELECTIVE } steps;
    bool of_step; /* says when or why: not for a fault within a step */
} shared_keys[] = {
    {{.key = "at", .kind = FIELD_DURATION, IN(at_ns), .required = true, .example = "0s", .max = 86400 * NS_PER_S,
      .doc = "scenario time, 0s being the end of the steady-state check"}, 0, EVERY_STEP, true},
    {{.key = "do", .kind = FIELD_TEXT, IN(verb), .required = true, .example = "kill",
     .doc = "the verb"}, 0, EVERY_STEP, false},
    {{.key = "region", .kind = FIELD_REGION, IN(action.site), .choice = FIELD_ONE, .example = "us-east",
      .doc = "every node of this region"}, TARGET_REGION, EVERY_STEP, false},
    {{.key = "gateway", .kind = FIELD_TEXT, IN(gateway), .choice = FIELD_ONE, .example = "us-east/1",
      .doc = "one gateway"}, TARGET_NODE, EVERY_STEP, false},
    {{.key = "origin", .kind = FIELD_TEXT, IN(origin), .choice = FIELD_ONE, .example = "us-east/1",
      .doc = "one origin"}, TARGET_ORIGIN, EVERY_STEP, false},
    {{.key = "dns", .kind = FIELD_TEXT, IN(dns), .choice = FIELD_ONE, .example = "dns/1",
      .doc = "the traffic manager"}, TARGET_DNS, EVERY_STEP, false},
    {{.key = "control", .kind = FIELD_TEXT, IN(control), .choice = FIELD_ONE, .example = "us-east/1",
      .doc = "the control endpoint of a region"}, TARGET_CONTROL, EVERY_STEP, false},
    {{.key = "between", .kind = FIELD_TEXTS, IN(between), .choice = FIELD_ONE, .min = 2, .max = 2,
      .example = "[us-east, eu-west]", .doc = "the link between two regions, or a region and a vantage"},
     TARGET_LINK, EVERY_STEP, false},
    {{.key = "isolate", .kind = FIELD_NAME, IN(isolate), .choice = FIELD_ONE, .example = "us-east",
      .doc = "the links of this region or vantage with all others"}, TARGET_LINK, EVERY_STEP, false},
    {{.key = "split", .kind = FIELD_NODE, IN(split), .choice = FIELD_ONE, .example = "[[us-east], [eu-west, ap-south]]",
      .doc = "all links between these sides"}, TARGET_LINK, EVERY_STEP, false},
    {{.key = "direction", .kind = FIELD_ENUM, IN(action.direction), .words = direction_words, .preset = "both",
      .doc = "forward is from the first to the second, out of what is isolated, from a side to those behind it"},
     TARGET_LINK, FAULTS, false},
    {{.key = "only", .kind = FIELD_NODE, IN(only), .example = "replication",
      .doc = "not everything, but what clients, replication, control (the lease) or config say, or one TCP port: "
             "{port: 7001}"},
     TARGET_LINK, SELECTIVE, false},
    {{.key = "for", .kind = FIELD_DURATION, IN(for_ns), .given = offsetof(struct scenario_step, has_for),
      .min = NS_PER_MS, .max = 86400 * NS_PER_S, .example = "20s",
      .doc = "ends by itself after this time"}, 0, FAULTS, true},
    {{.key = "alert", .kind = FIELD_ENUM, IN(action.alert), .words = topo_alert_words, .example = "slow",
      .doc = "the gateways' rule that must notice it: slow, errors or traffic; see the target `alerted`"},
     0, FAULTS, false},
    {{.key = "note", .kind = FIELD_TEXT, IN(note), .doc = "for people"}, 0, EVERY_STEP, true},
};

/* clang-format on */

static bool ends_by_itself(const struct action_type *type)
{
    return type->class == ACTION_FAULT || type->class == ACTION_FLAP;
}

/* within: the map of a fault that a step names, and not the step's own. */
static void fill_table(struct step_table *t, const struct action_type *type, bool within, struct scenario_step *to)
{
    size_t count = 0;
    for (size_t i = 0; i < array_len(shared_keys); i++) {
        const struct shared_key *k = &shared_keys[i];
        bool fits = k->targets == 0 || (k->targets & type->targets) != 0;
        bool for_verb = k->steps == EVERY_STEP || ends_by_itself(type);
        if (fits && for_verb && !(within && k->of_step) && (k->steps != SELECTIVE || type->selective)) {
            memcpy(&t->shared[count++], &k->field, sizeof(k->field));
        }
    }
    snprintf(t->name, sizeof(t->name), within ? "a `%s` within a `flap`" : "a `%s` step", type->verb);
    snprintf(t->topic, sizeof(t->topic), "timeline.%s", type->verb);
    t->parts[0] = (struct field_part){t->shared, count, to};
    t->parts[1] = (struct field_part){type->fields, type->field_count, &to->action};
    t->set = (struct field_set){.name = t->name, .topic = t->topic, .summary = type->summary};
}

const struct field *step_shared_key(size_t i)
{
    return i < array_len(shared_keys) ? &shared_keys[i].field : NULL;
}

void step_table(struct step_table *t, const struct action_type *type, struct scenario_step *to)
{
    fill_table(t, type, false, to);
}

void step_table_within(struct step_table *t, const struct action_type *type, struct scenario_step *to)
{
    fill_table(t, type, true, to);
}

bool step_flaps(const struct action_type *type)
{
    return type->class == ACTION_FAULT && type->targets != 0 && !type->proven_once;
}

const struct action_type *step_verb(const struct action_type *const *types, size_t n, const char *verb)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(types[i]->verb, verb) == 0) {
            return types[i];
        }
    }
    return NULL;
}

/* The verb of a step, or NULL after reporting. */
static const struct action_type *verb_of(struct binder *b, const struct action_type *const *types, size_t n,
                                         const struct yaml_node *step)
{
    if (step->broken) {
        return NULL;
    }
    if (step->kind != NODE_MAP) {
        struct diag *d =
            diag_error(b->diags, DIAG_WRONG_KIND, step->place, "a step is a map, not %s", node_kind_name(step));
        diag_help(d, "write `- {at: 0s, do: kill, region: us-east}`");
        return NULL;
    }
    const struct yaml_node *verb = node_get(step, "do");
    if (!verb || verb->kind != NODE_SCALAR) {
        struct diag *d =
            diag_error(b->diags, DIAG_MISSING_KEY, verb ? node_place(verb) : step->place, "a step lacks its verb");
        diag_help(d, "add `do: kill` or another verb");
        return NULL;
    }
    const struct action_type *type = step_verb(types, n, verb->text);
    if (!type && !verb->broken) {
        const char *verbs[64];
        size_t count = 0;
        for (; count < n && count < array_len(verbs); count++) {
            verbs[count] = types[count]->verb;
        }
        struct diag *d = field_unknown(b, DIAG_BAD_VALUE, verb->place, "verb", verb->text, verbs, count);
        diag_note(d, "`drtest explain timeline` lists the verbs");
    }
    return type;
}

static void unknown_node(struct binder *b, const struct yaml_node *at, const char *what, enum node_role role)
{
    const struct topology *t = b->topology;
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < t->node_count && count < array_len(names); i++) {
        if (t->nodes[i].role == role) {
            const struct topo_node *n = &t->nodes[i];
            names[count++] = arena_printf(b->arena, "%s/%u", t->sites[n->site].name, (unsigned)n->number);
        }
    }
    diag_label(field_unknown(b, DIAG_NO_SUCH, at->place, what, at->text, names, count), "not in the topology");
}

/* "us-east/1" of the role; TOPO_NONE after reporting. */
static uint16_t find_node(struct binder *b, const struct yaml_node *at, const char *what, enum node_role role)
{
    const struct topology *t = b->topology;
    for (size_t i = 0; i < t->node_count; i++) {
        char name[80];
        snprintf(name, sizeof(name), "%s/%u", t->sites[t->nodes[i].site].name, (unsigned)t->nodes[i].number);
        if (t->nodes[i].role == role && strcmp(name, at->text) == 0) {
            return (uint16_t)i;
        }
    }
    unknown_node(b, at, what, role);
    return TOPO_NONE;
}

/* The zone has the clients' name and one for each region. */
static void check_dns_name(struct binder *b, const struct scenario_step *s)
{
    const char *names[TOPO_MAX_SITES + 1] = {TOPO_DNS_NAME}, *name = s->action.name;
    size_t count = 1;
    bool known = !name || text_eq(name, TOPO_DNS_NAME);
    for (size_t i = 0; i < b->topology->site_count; i++) {
        if (b->topology->sites[i].kind == SITE_REGION) {
            known = known || text_eq(name, b->topology->sites[i].name);
            names[count++] = b->topology->sites[i].name;
        }
    }
    if (!known) {
        const struct yaml_node *at = node_get(s->node, "name");
        diag_label(field_unknown(b, DIAG_NO_SUCH, at->place, "name", name, names, count), "not in the zone");
    }
}

static void resolve_target(struct binder *b, struct scenario_step *s)
{
    check_dns_name(b, s);
    if (node_get(s->node, "region") && (s->action.type->targets & TARGET_REGION)) {
        s->action.target = TARGET_REGION;
    } else if (s->gateway || s->origin || s->dns || s->control) {
        s->action.target = TARGET_NODE;
        s->action.node = s->gateway   ? find_node(b, node_get(s->node, "gateway"), "gateway", NODE_GATEWAY)
                         : s->origin  ? find_node(b, node_get(s->node, "origin"), "origin", NODE_ORIGIN)
                         : s->control ? find_node(b, node_get(s->node, "control"), "control endpoint", NODE_CONTROL)
                                      : find_node(b, node_get(s->node, "dns"), "traffic manager", NODE_DNS);
    } else if (s->action.type->targets & TARGET_LINK) {
        step_resolve_link(b, s);
    }
}

static void hear_objection(struct binder *b, const struct scenario_step *s)
{
    char why[ACTION_WHY];
    if (s->action.type->objects && s->action.type->objects(&s->action, why)) {
        diag_error(b->diags, DIAG_CHOICE, node_place(s->node), "%s", why);
    }
}

/* The fault that a flap names becomes the action of the step, which keeps when it is in force. */
static void bind_flapping(struct binder *b, const struct action_type *const *types, size_t n,
                          struct scenario_step *step)
{
    const struct yaml_node *map = step->action.flap.fault;
    const struct action_type *type = map ? verb_of(b, types, n, map) : NULL;
    if (!type) {
        return;
    }
    if (!step_flaps(type)) {
        struct diag *d = diag_error(b->diags, DIAG_CHOICE, node_get(map, "do")->place,
                                    "`%s` cannot be switched on and off", type->verb);
        diag_help(d, "name a fault that lasts, such as `partition`, `degrade` or `freeze`");
        return;
    }
    struct scenario_step within = {.node = map, .action.type = type};
    struct step_table table;
    step_table_within(&table, type, &within);
    field_bind_parts(b, &table.set, table.parts, 2, map);
    hear_objection(b, &within);
    if (b->topology) {
        resolve_target(b, &within);
    }
    step->flap = step->action.flap;
    step->action = within.action;
    if (!step->has_for) {
        struct diag *d = diag_error(b->diags, DIAG_CHOICE, node_place(step->node), "a `flap` without `for`");
        diag_help(d, "say how long it goes on, such as `for: 20s`");
    }
}

void step_bind_all(struct binder *b, const struct action_type *const *types, size_t n, struct scenario *s)
{
    const struct yaml_node *list = s->timeline;
    if (list->broken) {
        return;
    }
    if (list->kind != NODE_LIST || list->count == 0 || list->count > STEPS_MAX) {
        struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, node_place(list), "`timeline` is %s",
                                    list->kind != NODE_LIST ? node_kind_name(list)
                                    : list->count           ? "too long"
                                                            : "empty");
        diag_help(d, "write a list of steps, such as `- {at: 0s, do: kill, region: us-east}`");
        return;
    }
    s->steps = arena_array(b->arena, struct scenario_step, list->count);
    uint16_t id = 0;
    for (const struct yaml_node *node = list->first; node; node = node->next) {
        const struct action_type *type = verb_of(b, types, n, node);
        id++;
        if (!type) {
            continue;
        }
        struct scenario_step *step = &s->steps[s->step_count++];
        struct step_table table;
        step_table(&table, type, step);
        step->id = id;
        step->node = node;
        step->action.type = step->written = type;
        field_bind_parts(b, &table.set, table.parts, 2, node);
        if (type->class == ACTION_FLAP) {
            bind_flapping(b, types, n, step);
            continue;
        }
        hear_objection(b, step);
        if (b->topology) {
            resolve_target(b, step);
        }
    }
}
