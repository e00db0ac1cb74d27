/* SPDX-License-Identifier: MIT */
/*
 * The lease while the witness is silent. The witness keeps two regions from leading at once; its own loss must not take
 * a healthy leader down. So a leader whose last grant has grown old asks its peers: each that follows it in its epoch
 * vouches for it, which is a promise not to want the lease for as long as one lasts. When all peers of the
 * configuration have vouched nobody can lead instead, and the leader's time counts from the oldest question that they
 * answered, just as it counts from a question that the witness granted. One peer that is away is enough for the lease
 * to run out as ever: it may be the one that the witness listens to.
 *
 * A question in flight is taken back with the promise; should the witness have granted it all the same, nobody takes
 * the lead upon that grant, and the leader steps down when the witness says so.
 *
 * A promise outlives the process that gave it: the mark on the disk, there before the first promise is given, has the
 * next process wait for a lease before it wants to lead. No mark, no promise.
 *
 * A handover is the leader's own word that its time is over, and so releases the heir from its promise. It needs the
 * witness, and is not begun while only peers stand in for it.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <unistd.h>

static void mark_path(const struct store *s, struct text *out)
{
    text_addf(out, "%s/vouched", s->node->data_dir);
}

static bool set_mark(struct store *s)
{
    scoped_text struct text path = {0};
    struct err e = {0};
    mark_path(s, &path);
    if (!s->lease.marked && file_replace(text_str(&path), "", 0, &e) < 0)
        node_log(s->node, "%s: %s", e.at, e.msg);
    else
        s->lease.marked = true;
    return s->lease.marked;
}

static void clear_mark(struct store *s)
{
    scoped_text struct text path = {0};
    mark_path(s, &path);
    s->lease.marked = unlink(text_str(&path)) < 0;
}

void vouch_open(struct store *s)
{
    scoped_text struct text path = {0};
    mark_path(s, &path);
    s->lease.marked = access(text_str(&path), F_OK) == 0;
    if (s->lease.marked)
        s->lease.promised_until_ns = lease_clock_ns(s) + s->cfg->lease_ms * NS_PER_MS;
}

bool vouch_binds(struct store *s)
{
    bool bound = lease_clock_ns(s) < s->lease.promised_until_ns;
    if (!bound && s->lease.marked)
        clear_mark(s);
    return bound;
}

bool vouch_give(struct store *s)
{
    if (s->leading || !set_mark(s))
        return false;
    call_cancel(&s->lease.call);
    s->lease.promised_until_ns = lease_clock_ns(s) + s->cfg->lease_ms * NS_PER_MS;
    return true;
}

void vouch_ask(struct link *k)
{
    struct store *s = k->store;
    int64_t now = lease_clock_ns(s), old_ms = s->cfg->renew_ms + s->cfg->renew_ms / 2;
    if (!s->cfg->failsafe || !s->cfg->has_witness || now - s->lease.since_ns <= old_ms * NS_PER_MS)
        return;
    k->vouch_asked_ns = now;
    link_send(k, FRAME_VOUCH);
}

int vouch_taken(struct link *k, struct frame *f)
{
    int64_t asked;
    if (!k->connected || frame_take_u64(f, &asked) < 0 || asked > k->vouch_asked_ns)
        return -1;
    if (asked > k->vouched_ns)
        k->vouched_ns = asked;
    return 0;
}

void vouch_release(struct store *s)
{
    s->lease.promised_until_ns = 0;
}

int64_t vouched_since_ns(const struct store *s)
{
    int64_t oldest = s->link_count > 0 ? INT64_MAX : 0;
    for (size_t i = 0; i < s->link_count; i++)
        oldest = s->links[i].vouched_ns < oldest ? s->links[i].vouched_ns : oldest;
    return oldest;
}
