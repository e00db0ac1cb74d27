/* SPDX-License-Identifier: MIT */
/*
 * Three files, or four, become one struct evidence.
 *
 * timeline.jsonl is read first, by timeline_read.c: its last line has the seals of the other files. ledger.bin is
 * judged by ledger_file.c, crosscheck.csv (there on request only) by cross_read.c, samples.bin by samples_read.c.
 * plan.yaml is not read here, but it must still be the one that the header of the timeline names.
 *
 * Not there at all or of another format: an error. Damaged: loaded up to the damage, which is named.
 */
#include "harness/evidence/evidence_read.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/evidence/binary_file.h"
#include "harness/evidence/cross_read.h"
#include "harness/evidence/ledger_file.h"
#include "harness/evidence/samples_read.h"
#include "harness/evidence/seal.h"
#include "harness/evidence/timeline_read.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CROSS ((size_t)1 << 29)

static void check_plan(struct evidence *ev)
{
    const char *wanted = json_string_value(json_object_get(ev->events[0].data, "plan_sha256"));
    char is[SHA256_HEX];
    scoped_text struct text path = {0};
    if (!wanted) {
        return; /* evidence without a plan of its own: a self-test */
    }
    text_addf(&path, "%s/plan.yaml", ev->path);
    if (sha256_file(text_str(&path), is, NULL) != 0) {
        ev->plan_damage = "the file is not there, or cannot be read";
    } else if (!text_eq(is, wanted)) {
        ev->plan_damage = "it is not the plan with which the run began";
    }
}

static int load_cross(struct evidence *ev, struct err *e)
{
    struct binary_file f;
    if (binary_file_read(&f, ev->path, CROSS_FILE, MAX_CROSS, &ev->arena, &ev->has_cross, e) != 0) {
        return -1;
    }
    if (!ev->has_cross) {
        bool wanted = json_is_true(json_object_get(ev->events[0].data, "crosscheck"));
        ev->cross_damage = wanted ? "the file is not there" : NULL;
        return 0;
    }
    struct cross_reading r;
    cross_read(f.at, f.len, &ev->arena, &r);
    ev->cross = r.requests;
    ev->cross_count = r.request_count;
    ev->cross_changes = r.changes;
    ev->cross_change_count = r.change_count;
    ev->cross_damage = r.damage;
    memcpy(ev->cross_scenario_sha256, r.scenario_sha256, sizeof(ev->cross_scenario_sha256));
    return 0;
}

static int load(struct evidence **ev, const char *run_path, bool brief, struct err *e)
{
    struct evidence *made = xcalloc(1, sizeof(*made));
    made->path = arena_strdup(&made->arena, run_path);
    if (timeline_read(made, e) != 0 || samples_load(made, brief, e) != 0 || ledger_load(made, e) != 0 ||
        load_cross(made, e) != 0) {
        evidence_free(made);
        return -1;
    }
    check_plan(made);
    *ev = made;
    return 0;
}

int evidence_load(struct evidence **ev, const char *run_path, struct err *e)
{
    return load(ev, run_path, false, e);
}

int evidence_skim(struct evidence **ev, const char *run_path, struct err *e)
{
    return load(ev, run_path, true, e);
}

void evidence_free(struct evidence *ev)
{
    if (!ev) {
        return;
    }
    json_holder_free(ev->json);
    ledger_file_free(ev->ledger_file);
    arena_deinit(&ev->arena);
    free(ev);
}

const char *evidence_damage(struct evidence *ev)
{
    const struct {
        const char *file, *damage;
    } all[] = {{"timeline.jsonl", ev->timeline_damage},
               {"plan.yaml", ev->plan_damage},
               {"samples.bin", ev->samples_damage},
               {"ledger.bin", ev->ledger_damage},
               {CROSS_FILE, ev->cross_damage}};
    for (size_t i = 0; i < array_len(all); i++) {
        if (all[i].damage) {
            return arena_printf(&ev->arena, "%s: %s", all[i].file, all[i].damage);
        }
    }
    return NULL;
}
