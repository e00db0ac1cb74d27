/* SPDX-License-Identifier: MIT */
/*
 * samples.bin is read in blocks, so that a large one is in memory once at most, and for reports a third of it. The
 * header decides whether the file is ours; then each record goes by its kind to requests, stalls, switches or patrols.
 * A record whose CRC does not hold, or with an impossible kind or outcome, ends the file for us: one that is torn
 * shifts all behind it. Lists are then sorted by instant, with the rest of the key as tie-breaker, so that the order in
 * which workers happened to append leaves no trace in any number; briefs are not, and who reads them must not mind.
 */
#include "harness/evidence/samples_read.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/vec.h"
#include "harness/evidence/binary_file.h"
#include "harness/evidence/sample_check.h"
#include "harness/evidence/seal.h"

#include <stdlib.h>

#define MAX_SAMPLES ((size_t)2 << 30)
#define BLOCK_RECORDS 4096

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

struct found {
    struct sample *at;
    size_t len, cap;
};

struct intake {
    struct evidence *ev;
    struct seal seal;
    struct sample *requests;      /* one of the two, with room for every record of the file */
    struct sample_brief *briefs;
    size_t sound, requested;
    bool broken;                  /* a record was none */
    struct found stalls, switches, patrols;
};

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
    size_t in_order = 1;
    while (in_order < count && order(&at[in_order - 1], &at[in_order]) <= 0) {
        in_order++;
    }
    if (in_order < count) {
        qsort(at, count, sizeof(*at), order);
    }
}

static void take(struct intake *in, const struct sample *s)
{
    if (s->kind == SAMPLE_STALL) {
        *vec_push(&in->stalls) = *s;
    } else if (s->kind == SAMPLE_SWITCH) {
        *vec_push(&in->switches) = *s;
    } else if (s->kind == SAMPLE_PATROL) {
        *vec_push(&in->patrols) = *s;
    } else if (in->briefs) {
        in->briefs[in->requested++] = sample_brief_of(s);
    } else {
        in->requests[in->requested++] = *s;
    }
}

static void take_block(struct intake *in, const struct sample *records, size_t count)
{
    for (size_t i = 0; i < count && !in->broken; i++) {
        in->broken = !sample_is_sound(&records[i]);
        if (!in->broken) {
            seal_add(&in->seal, records[i].crc);
            take(in, &records[i]);
            in->sound++;
        }
    }
}

/* All that the file still has; *rest are the bytes of a last record that is not whole. */
static int read_records(struct intake *in, int fd, size_t *rest, struct err *e)
{
    scoped_free struct sample *block = xcalloc(BLOCK_RECORDS, sizeof(*block));
    size_t room = in->ev->sample_count;
    for (*rest = 0; room > 0 && !in->broken && *rest == 0;) {
        size_t want = room < BLOCK_RECORDS ? room : BLOCK_RECORDS;
        long got = binary_file_more(fd, block, want * SAMPLE_SIZE, "samples.bin", e);
        if (got < 0) {
            return -1;
        }
        take_block(in, block, (size_t)got / SAMPLE_SIZE);
        *rest = (size_t)got % SAMPLE_SIZE;
        room = (size_t)got < want * SAMPLE_SIZE ? 0 : room - want;
    }
    return 0;
}

static void judge(struct intake *in, size_t rest)
{
    struct evidence *ev = in->ev;
    const char *broken = seal_broken(&in->seal, ev, "samples.bin", &ev->arena);
    if (in->broken) {
        ev->samples_damage = arena_printf(&ev->arena,
                                          "record %zu is none, or not as it was written; the %zu before it are "
                                          "whole",
                                          in->sound + 1, in->sound);
    } else if (rest != 0) {
        ev->samples_damage = arena_printf(&ev->arena, "the file ends within record %zu", in->sound + 1);
    } else {
        ev->samples_damage = broken;
    }
}

static struct sample *keep(struct arena *a, struct found *f, size_t *count)
{
    struct sample *kept = arena_array(a, struct sample, f->len + 1);
    for (size_t i = 0; i < f->len; i++) {
        kept[i] = f->at[i];
    }
    *count = f->len;
    vec_deinit(f);
    return kept;
}

static int open_file(struct evidence *ev, int *fd, size_t *size, struct seal *seal, struct err *e)
{
    struct sample_header header = {0};
    if (binary_file_open(ev->path, "samples.bin", MAX_SAMPLES, fd, size, e) != 0) {
        return -1;
    }
    if (*fd < 0) {
        return err_set(e, ERR_READING, ev->path, "there is no samples.bin in this run");
    }
    long got = binary_file_more(*fd, &header, sizeof(header), "samples.bin", e);
    if (got < 0) {
        return -1;
    }
    if (got != (long)sizeof(header) || !sample_header_is_ours(&header)) {
        return err_set(e, ERR_READING, ev->path,
                       "samples.bin is not a file of requests of format %d, or its header is damaged", SAMPLE_VERSION);
    }
    seal_begin(seal);
    seal_add(seal, header.crc);
    return 0;
}

int samples_load(struct evidence *ev, bool brief, struct err *e)
{
    struct intake in = {.ev = ev};
    scoped_fd int fd = -1;
    size_t size = 0, rest = 0;
    if (open_file(ev, &fd, &size, &in.seal, e) != 0) {
        return -1;
    }
    size_t room = size / SAMPLE_SIZE; /* the header's place stands for a record that is not whole */
    ev->sample_count = room;
    in.briefs = brief ? arena_array(&ev->arena, struct sample_brief, room + 1) : NULL;
    in.requests = brief ? NULL : arena_array(&ev->arena, struct sample, room + 1);
    int rc = read_records(&in, fd, &rest, e);
    judge(&in, rest); /* also ends the seal */
    ev->briefs = in.briefs;
    ev->samples = in.requests;
    ev->sample_count = in.requested;
    ev->stalls = keep(&ev->arena, &in.stalls, &ev->stall_count);
    ev->switches = keep(&ev->arena, &in.switches, &ev->switch_count);
    ev->patrols = keep(&ev->arena, &in.patrols, &ev->patrol_count);
    if (!brief) {
        sort_samples(ev->samples, ev->sample_count, by_planned);
    }
    sort_samples(ev->stalls, ev->stall_count, by_planned);
    sort_samples(ev->switches, ev->switch_count, by_done);
    sort_samples(ev->patrols, ev->patrol_count, by_planned);
    return rc;
}
