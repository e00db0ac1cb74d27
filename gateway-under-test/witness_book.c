/* SPDX-License-Identifier: MIT */
/*
 * A question comes from a leader (lead: "I hold epoch n, renew") or from a candidate. The leader is granted its renewal
 * while it is the holder of that very epoch, even after the lease ran out, as long as nobody else got it in between. A
 * candidate gets the lease when it has run out, or at once when it is the holder itself (a restarted process: the old
 * one is dead, it held the lock of the directory) or has been named by a transfer. Every such grant but the last begins
 * a new epoch; the transfer has begun it already.
 *
 * Who asks with an older epoch than the book's has lost its disk, or could not write to it, or has not heard of the
 * last grant, be it its own. What it would lead with may erase what was acknowledged; so it waits one lease time,
 * holder or not, in which those who know more ask as well.
 *
 * A holder that lost its lease to another region may lack what that one writes from now on, so in sync mode it is taken
 * off the list of those in sync in the same step.
 *
 * An operator's order (force) is granted whatever the book says, with a new epoch, or the one that already leads by it
 * when it is ahead of ours.
 *
 * Of several candidates the one with the longest log of the newest epoch is preferred: a candidate is refused while a
 * better one has asked within the last lease time.
 */
#include "gateway-under-test/witness_book.h"

#include "gateway-under-test/own.h"
#include "harness/base/err.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

void book_init(struct book *b, int64_t lease_ns)
{
    *b = (struct book){.holder = -1, .stay = -1, .lease_ns = lease_ns};
}

int book_add_region(struct book *b, const char *name)
{
    if (b->region_count == BOOK_REGIONS_MAX)
        return -1;
    struct book_region *r = &b->regions[b->region_count];
    *r = (struct book_region){.in_sync = true};
    (void)snprintf(r->name, sizeof(r->name), "%s", name);
    return b->region_count++;
}

int book_find(const struct book *b, const char *name)
{
    for (int i = 0; name != NULL && i < b->region_count; i++) {
        if (strcmp(b->regions[i].name, name) == 0)
            return i;
    }
    return -1;
}

void book_start(struct book *b, int64_t now, int64_t grace_ns)
{
    b->until_ns = b->holder >= 0 ? now + b->lease_ns : now;
    b->others_from_ns = b->holder >= 0 ? b->until_ns : now + grace_ns;
}

static void note_candidate(struct book *b, const struct book_question *q, int64_t now)
{
    struct book_region *r = &b->regions[q->region];
    bool behind = q->epoch < b->epoch - (b->passed && q->region == b->holder);
    if (!r->behind || now - r->asked_ns > b->lease_ns)
        r->behind_since_ns = now;
    r->behind = behind;
    r->wants = q->want && !q->lead;
    r->asked_ns = now;
    r->log_epoch = q->log_epoch;
    r->lsn = q->lsn;
}

static bool better_asked(const struct book *b, const struct book_question *q, int64_t now)
{
    for (int i = 0; i < b->region_count; i++) {
        const struct book_region *r = &b->regions[i];
        if (i == q->region || !r->wants || now - r->asked_ns > b->lease_ns || (q->sync && !r->in_sync))
            continue;
        if (r->log_epoch > q->log_epoch || (r->log_epoch == q->log_epoch && r->lsn > q->lsn))
            return true;
    }
    return false;
}

static bool may_take(const struct book *b, const struct book_question *q, int64_t now)
{
    if (!q->want || (q->sync && !b->regions[q->region].in_sync))
        return false;
    const struct book_region *r = &b->regions[q->region];
    if (q->region == b->holder && !r->behind)
        return true;
    if (now < b->until_ns || (r->behind && now - r->behind_since_ns < b->lease_ns))
        return false;
    if (now < b->others_from_ns && q->region != b->prefer)
        return false;
    return !better_asked(b, q, now);
}

/* Whoever held the lease has lost it; what the others have may be other than what counts now. */
static void take_by_order(struct book *b, const struct book_question *q, bool begun)
{
    for (int i = 0; q->sync && i < b->region_count; i++)
        b->regions[i].in_sync = i == q->region;
    if (!begun)
        b->epoch++;
    b->stay = q->region;
}

static void hand_to(struct book *b, int region, int64_t now)
{
    b->passed = false;
    b->holder = region;
    b->until_ns = now + b->lease_ns;
}

bool book_ask(struct book *b, const struct book_question *q, int64_t now, bool *changed)
{
    bool ahead = q->epoch > b->epoch;
    *changed = false;
    note_candidate(b, q, now);
    if (ahead) { /* our own memory was lost: never fall behind what a store has seen */
        b->epoch = q->epoch;
        *changed = true;
    }
    if (q->lead && q->region == b->holder && q->epoch == b->epoch && !b->passed) {
        b->until_ns = now + b->lease_ns;
        return true;
    }
    if (q->force) {
        take_by_order(b, q, q->lead && ahead);
        hand_to(b, q->region, now);
        *changed = true;
        return true;
    }
    if (q->lead || !may_take(b, q, now))
        return false;
    if (q->region != b->holder && b->holder >= 0 && q->sync)
        b->regions[b->holder].in_sync = false;
    if (q->region != b->holder && b->stay != q->region)
        b->stay = -1;
    if (!b->passed || q->region != b->holder)
        b->epoch++;
    hand_to(b, q->region, now);
    *changed = true;
    return true;
}

bool book_transfer(struct book *b, int from, int64_t epoch, int to, bool ordered, bool sync, int64_t now)
{
    if (from < 0 || to < 0 || from == to || from != b->holder || epoch != b->epoch || b->passed)
        return false;
    if (sync && !b->regions[to].in_sync)
        return false;
    b->epoch++;
    b->holder = to;
    b->passed = true;
    b->until_ns = now + b->lease_ns;
    b->stay = ordered ? to : -1;
    return true;
}

bool book_sync(struct book *b, int from, int64_t epoch, int peer, bool in_sync, bool *changed)
{
    *changed = false;
    if (from < 0 || peer < 0 || from == peer || from != b->holder || epoch != b->epoch || b->passed)
        return false;
    *changed = b->regions[peer].in_sync != in_sync;
    b->regions[peer].in_sync = in_sync;
    return true;
}

int64_t book_left_ms(const struct book *b, int64_t now)
{
    return b->holder >= 0 && b->until_ns > now ? (b->until_ns - now + NS_PER_MS - 1) / NS_PER_MS : 0;
}

static json_t *name_of(const struct book *b, int region)
{
    return region >= 0 ? json_string(b->regions[region].name) : json_null();
}

json_t *book_save(const struct book *b)
{
    json_t *in_sync = json_array();
    for (int i = 0; i < b->region_count; i++) {
        if (b->regions[i].in_sync)
            json_array_append_new(in_sync, json_string(b->regions[i].name));
    }
    return json_pack("{s:I, s:o, s:o, s:b, s:o}", "epoch", (json_int_t)b->epoch, "holder", name_of(b, b->holder),
                     "stay", name_of(b, b->stay), "passed", b->passed, "in_sync", in_sync);
}

int book_load(struct book *b, const json_t *doc, struct err *e)
{
    const json_t *epoch = json_object_get(doc, "epoch"), *in_sync = json_object_get(doc, "in_sync");
    if (!json_is_integer(epoch) || json_integer_value(epoch) < 0 || json_integer_value(epoch) > EPOCH_MAX ||
        !json_is_array(in_sync))
        return err_set(e, ERR_READING, "witness book", "epoch or in_sync is missing");
    b->epoch = json_integer_value(epoch);
    b->holder = book_find(b, json_string_value(json_object_get(doc, "holder")));
    b->stay = book_find(b, json_string_value(json_object_get(doc, "stay")));
    b->passed = b->holder >= 0 && json_is_true(json_object_get(doc, "passed"));
    for (int i = 0; i < b->region_count; i++)
        b->regions[i].in_sync = false;
    for (size_t i = 0; i < json_array_size(in_sync); i++) {
        int region = book_find(b, json_string_value(json_array_get(in_sync, i)));
        if (region >= 0)
            b->regions[region].in_sync = true;
    }
    return 0;
}
