/* SPDX-License-Identifier: MIT */
/*
 * Three files, or four, become one struct evidence.
 *
 * timeline.jsonl is read first, by timeline_read.c: its last line has the seals of the other files. ledger.bin is judged
 * by ledger_file.c, crosscheck.csv (there on request only) by cross_read.c. samples.bin is taken apart here: the header
 * decides whether it is ours, then each record goes by its kind to requests, stalls, switches or patrols. A record whose CRC does
 * not hold, or with an impossible kind or outcome, ends the file for us: one that is torn shifts all behind it. Each list
 * is then sorted by instant, with the rest of the key as tie-breaker, so that the order in which workers happened to append
 * leaves no trace in any number. plan.yaml is not read here, but it must still be the one that the header of the timeline
 * names.
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
#include "harness/evidence/sample_check.h"
#include "harness/evidence/seal.h"
#include "harness/evidence/timeline_read.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BINARY ((size_t)2 << 30)
#define MAX_CROSS ((size_t)1 << 29)

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int by_planned(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    int order = ORDER(a->planned_ns, b->planned_ns);
    order = order ? order : ORDER(a->stream, b->stream);
    return order ? order : ORDER(a->k, b->k);
}

static int by_done(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    int order = ORDER(a->done_ns, b->done_ns);
    order = order ? order : ORDER(a->stream, b->stream);
    return order ? order : ORDER(a->k, b->k);
}

static void sort_samples(struct sample *at, size_t count, int (*order)(const void *, const void *))
{
    if (count > 1) {
        qsort(at, count, sizeof(*at), order);
    }
}

static size_t count_kind(const struct sample *s, size_t count, uint8_t kind)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += s[i].kind == kind;
    }
    return n;
}

static struct sample *pick_kind(struct arena *a, const struct sample *s, size_t count, uint8_t kind, size_t *picked)
{
    *picked = 0;
    struct sample *out = arena_array(a, struct sample, count_kind(s, count, kind) + 1);
    for (size_t i = 0; i < count; i++) {
        if (s[i].kind == kind) {
            out[(*picked)++] = s[i];
        }
    }
    return out;
}

/* How many records are sound, from the front; what is wrong with the rest of the file is named. */
static size_t judge_samples(struct evidence *ev, const struct sample *records, const struct binary_file *f)
{
    size_t count = f->len / SAMPLE_SIZE - 1, sound = 0;
    struct seal seal;
    seal_begin(&seal);
    seal_add(&seal, ((const struct sample_header *)f->at)->crc);
    for (; sound < count && sample_is_sound(&records[sound]); sound++) {
        seal_add(&seal, records[sound].crc);
    }
    const char *broken = seal_broken(&seal, ev, "samples.bin", &ev->arena);
    if (sound < count) {
        ev->samples_damage = arena_printf(&ev->arena, "record %zu is none, or not as it was written; the %zu before it are "
                                          "whole", sound + 1, sound);
    } else if (f->len % SAMPLE_SIZE != 0) {
        ev->samples_damage = arena_printf(&ev->arena, "the file ends within record %zu", count + 1);
    } else {
        ev->samples_damage = broken;
    }
    return sound;
}

static int load_samples(struct evidence *ev, struct err *e)
{
    struct binary_file f;
    bool found;
    if (binary_file_read(&f, ev->path, "samples.bin", MAX_BINARY, &ev->arena, &found, e) != 0) {
        return -1;
    }
    if (!found) {
        return err_set(e, ERR_READING, ev->path, "there is no samples.bin in this run");
    }
    if (f.len < SAMPLE_SIZE || !sample_header_is_ours(f.at)) {
        return err_set(e, ERR_READING, ev->path,
                       "samples.bin is not a file of requests of format %d, or its header is damaged", SAMPLE_VERSION);
    }
    const struct sample *records = (const struct sample *)f.at + 1;
    size_t sound = judge_samples(ev, records, &f);
    ev->samples = pick_kind(&ev->arena, records, sound, SAMPLE_REQUEST, &ev->sample_count);
    ev->stalls = pick_kind(&ev->arena, records, sound, SAMPLE_STALL, &ev->stall_count);
    ev->switches = pick_kind(&ev->arena, records, sound, SAMPLE_SWITCH, &ev->switch_count);
    ev->patrols = pick_kind(&ev->arena, records, sound, SAMPLE_PATROL, &ev->patrol_count);
    sort_samples(ev->patrols, ev->patrol_count, by_planned);
    sort_samples(ev->samples, ev->sample_count, by_planned);
    sort_samples(ev->stalls, ev->stall_count, by_planned);
    sort_samples(ev->switches, ev->switch_count, by_done);
    return 0;
}

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

int evidence_load(struct evidence **ev, const char *run_path, struct err *e)
{
    struct evidence *made = xcalloc(1, sizeof(*made));
    made->path = arena_strdup(&made->arena, run_path);
    if (timeline_read(made, e) != 0 || load_samples(made, e) != 0 || ledger_load(made, e) != 0 ||
        load_cross(made, e) != 0) {
        evidence_free(made);
        return -1;
    }
    check_plan(made);
    *ev = made;
    return 0;
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
