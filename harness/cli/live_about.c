/* SPDX-License-Identifier: MIT */
/*
 * Names, targets and lanes are in the words of the report, because the page turns into it.
 */
#include "harness/cli/live_about.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/live_lanes.h"
#include "reports/format.h"
#include "reports/lanes.h"

#include <stdio.h>

/* "at most 5 s", as on the cards of the report. */
static void write_target(struct text *out, const struct plan_target *t)
{
    static const struct {
        const char *unit;
        double ones;
    } units[] = {[TARGET_S] = {"s", NS_PER_S},
                 [TARGET_MS] = {"ms", NS_PER_MS},
                 [TARGET_RATIO] = {"ratio", PPM},
                 [TARGET_COUNT] = {"count", 1}};
    const struct target_type *type = &target_types[t->key];
    struct result_objective o = {.direction = type->at_least ? "at_least" : "at_most",
                                 .target = (double)t->value / units[type->unit].ones,
                                 .unit = units[type->unit].unit};
    format_target(out, &o);
}

static json_t *objectives(const struct plan *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->target_count; i++) {
        const struct plan_target *t = &p->targets[i];
        scoped_text struct text target = {0};
        write_target(&target, t);
        json_array_append_new(list, json_pack("{s:s,s:s,s:b}", "label", format_label(target_types[t->key].key),
                                              "target", text_str(&target), "implied", t->implied));
    }
    return list;
}

static json_t *faults(const struct plan *p)
{
    json_t *by_id = json_object();
    for (size_t i = 0; i < p->step_count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%u", p->steps[i].id);
        json_object_set_new(by_id, id,
                            json_string(p->steps[i].text ? p->steps[i].text : p->steps[i].action.type->verb));
    }
    return by_id;
}

static json_t *sites(const struct topology *t)
{
    static const char *const roles[] = {
        [REGION_PRIMARY] = "primary", [REGION_STANDBY] = "standby", [REGION_ACTIVE] = "active"};
    json_t *list = json_array();
    for (size_t i = 0; i < t->site_count; i++) {
        const struct topo_site *s = &t->sites[i];
        const char *kind = s->kind == SITE_REGION ? "region" : s->kind == SITE_VANTAGE ? "vantage" : "other";
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", s->name, "kind", kind, "role",
                                              s->kind == SITE_REGION ? roles[s->role] : ""));
    }
    return list;
}

static json_t *words(const char *const *at, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_string(at[i]));
    }
    return list;
}

char *live_about(const struct plan *p, const char *run_path)
{
    scoped_json json_t *doc = json_pack(
        "{s:s,s:s,s:s?,s:s,s:f,s:o,s:o,s:o,s:o,s:o,s:o}", "name", p->name, "title", p->title ? p->title : p->name,
        "description", p->description, "run", run_path, "good_ratio", (double)p->good_ratio_ppm / (double)PPM, "tags",
        words(p->tags, p->tag_count), "objectives", objectives(p), "faults", faults(p), "states",
        words(lane_state_words, LANE_STATES), "lanes", live_lanes_list(p), "sites", sites(p->topology));
    return json_dumps(doc, JSON_COMPACT);
}
