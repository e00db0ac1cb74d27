/* SPDX-License-Identifier: MIT */
/*
 * The wire's process: one loop that reads frames, decides their fates, holds them, and lets them go.
 *
 *     ring readable    a batch of frames: shaper -> delay line; what is due leaves in the same turn
 *     timer            set for the first frame that waits
 *     control          one question, one answer; end of file ends us
 *
 * A frame's delay counts from the kernel's time of its arrival. The kernel tells the wall clock, so the offset to ours
 * is read anew in every turn, and the result is kept between the last turn that emptied the ring and this one: a clock
 * that was set in between moves a frame by no more than that.
 *
 * Nothing is dropped in silence: what finds no room, what the ring had no room for and what the kernel does not take is
 * counted, apart from what a rate or a limit that somebody asked for turned away. The descriptors of the process that
 * forked us are closed first; namespaces and nodes must not live longer because a copy of us holds on to them.
 */
#include "harness/lab/wire_private.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/loop.h"
#include "harness/lab/wire_lane.h"
#include "harness/lab/wire_queue.h"
#include "harness/lab/wire_ring.h"
#include "harness/lab/wire_shape.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_FRAMES 256
#define PATH_FRAMES 50000 /* what waits on one path when nobody set a limit: as with netem */
#define CONTROL_FD 3

struct carrier {
    struct wire_shaper shaper;
    struct wire_lanes lanes;
    struct wire_counts counts;
    uint16_t path;
    int out_index;
};

struct live {
    struct loop *loop;
    struct wire_ring *ring;
    struct wire_queue *queue;
    uint64_t seed;
    struct carrier *carriers; /* by device, in the order of their indexes: what comes in by it */
    size_t carrier_count;
    int first_index;
    struct loop_io frames_io, control_io;
    struct loop_timer due;
    int64_t empty_ns; /* when the ring was last found empty: what is in it came later */
    int64_t late_from_ns, late_to_ns; /* the worst since the lab last asked */
    bool stop;
};

#define live_of(ptr, member) ((struct live *)(void *)((char *)(ptr)-offsetof(struct live, member)))

/* ---- frames ---- */

/* Behind the Ethernet header: one that is hit there would make the frame go astray instead of arriving broken. */
static void flip_bit(unsigned char *frame, size_t len, uint64_t die)
{
    if (len > WIRE_HEADER_BYTES) {
        uint64_t bit = die % ((len - WIRE_HEADER_BYTES) * 8);
        frame[WIRE_HEADER_BYTES + bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

/* Turned away: as asked for, where the path has a rate or a limit of its own; else it is our own bound. */
static void turn_away(struct carrier *c, unsigned n)
{
    bool asked = c->shaper.shape.rate_bps > 0 || c->shaper.shape.limit_packets > 0;
    c->counts.limited += asked ? n : 0;
    c->counts.overflow += asked ? 0 : n;
}

static void hold(struct live *l, struct carrier *c, const struct wire_frame *f, const struct wire_copy *copy)
{
    unsigned char *bytes = wire_queue_add(l->queue, (uint16_t)(c - l->carriers), copy->due_ns, f->len);
    if (!bytes) {
        c->counts.overflow++;
        return;
    }
    memcpy(bytes, f->bytes, f->len);
    if (copy->corrupt) {
        flip_bit(bytes, f->len, copy->bit);
    }
    c->counts.corrupted += copy->corrupt;
    c->counts.early += copy->early;
    c->counts.waiting++;
    c->counts.waiting_max = c->counts.waiting > c->counts.waiting_max ? c->counts.waiting : c->counts.waiting_max;
}

static size_t room_on(const struct carrier *c)
{
    int64_t limit = c->shaper.shape.limit_packets;
    size_t most = limit > 0 && limit < PATH_FRAMES ? (size_t)limit : PATH_FRAMES;
    return c->counts.waiting < most ? most - c->counts.waiting : 0;
}

static void take_in(struct live *l, const struct wire_frame *f, int64_t arrived_ns)
{
    size_t device = (size_t)(f->index - l->first_index);
    if (f->index < l->first_index || device >= l->carrier_count) {
        return; /* the loopback device */
    }
    struct carrier *c = &l->carriers[device];
    c->counts.came++;
    if (!f->whole) {
        c->counts.overflow++;
        return;
    }
    bool barred = c->shaper.shape.block_new && wire_opens_connection(f->bytes, f->len);
    struct wire_fate fate = wire_shaper_decide(&c->shaper, arrived_ns, f->len, barred ? 0 : room_on(c));
    if (barred) {
        fate = (struct wire_fate){.lost = 1};
    } else {
        fate = wire_lanes_decide(&c->lanes, &fate, f->bytes, f->len);
    }
    c->counts.lost += fate.lost;
    c->counts.duplicated += fate.duplicated;
    turn_away(c, fate.turned_away);
    for (unsigned i = 0; i < fate.copies; i++) {
        hold(l, c, f, &fate.copy[i]);
    }
}

static int64_t between(int64_t low, int64_t x, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static void note_lateness(struct live *l, struct carrier *c, int64_t due_ns, int64_t now)
{
    int64_t late = now - due_ns;
    c->counts.late_max_ns = late > c->counts.late_max_ns ? late : c->counts.late_max_ns;
    if (late > l->late_to_ns - l->late_from_ns) {
        l->late_from_ns = due_ns;
        l->late_to_ns = now;
    }
}

/* Has either end of a carrier's link been unplugged, so that nobody takes what comes out of it? */
static bool is_down(const struct live *l, size_t carrier)
{
    return l->carriers[carrier].shaper.shape.down || l->carriers[carrier ^ 1].shaper.shape.down;
}

/* All that is due, batch by batch. */
static void let_go(struct live *l, int64_t now)
{
    while (wire_queue_due(l->queue) <= now) {
        struct wire_parcel parcels[WIRE_BATCH];
        struct wire_held held[WIRE_BATCH];
        size_t n = 0;
        while (n < WIRE_BATCH && wire_queue_due(l->queue) <= now) {
            held[n] = wire_queue_take(l->queue);
            parcels[n] = (struct wire_parcel){.index = l->carriers[held[n].path].out_index,
                                              .bytes = wire_queue_bytes(l->queue, held[n].slot),
                                              .len = held[n].len};
            n++;
        }
        wire_ring_send(l->ring, parcels, n);
        for (size_t i = 0; i < n; i++) {
            struct carrier *c = &l->carriers[held[i].path];
            c->counts.waiting--;
            c->counts.left += parcels[i].taken;
            if (!parcels[i].taken) {
                *(is_down(l, held[i].path) ? &c->counts.lost : &c->counts.overflow) += 1;
            }
            note_lateness(l, c, held[i].due_ns, now);
            wire_queue_give_back(l->queue, held[i].slot);
        }
    }
}

static void set_timer(struct live *l)
{
    int64_t next = wire_queue_due(l->queue);
    if (next == INT64_MAX) {
        loop_timer_stop(&l->due);
    } else if (!l->due.loop || l->due.at != next) {
        loop_timer_set(l->loop, &l->due, next);
    }
}

static void frames_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct live *l = live_of(io, frames_io);
    int64_t now = loop_now(l->loop), offset = now - clock_wall_ns();
    struct wire_frame f;
    int i = 0;
    while (i < TURN_FRAMES && wire_ring_next(l->ring, &f)) {
        take_in(l, &f, between(l->empty_ns, f.wall_ns + offset, now));
        wire_ring_done(l->ring);
        i++;
    }
    l->empty_ns = i < TURN_FRAMES ? now : l->empty_ns;
    let_go(l, now);
    set_timer(l);
}

static void frames_due(struct loop_timer *t, int64_t now)
{
    struct live *l = live_of(t, due);
    let_go(l, now);
    set_timer(l);
}

/* ---- control ---- */

static struct carrier *carrier_of(const struct live *l, uint16_t path)
{
    for (size_t i = 0; i < l->carrier_count; i++) {
        if (l->carriers[i].path == path) {
            return &l->carriers[i];
        }
    }
    return NULL;
}

static struct wire_counts totals(struct live *l)
{
    struct wire_counts sum = {.overflow = wire_ring_missed(l->ring), .late_from_ns = l->late_from_ns,
                              .late_to_ns = l->late_to_ns};
    l->late_from_ns = l->late_to_ns = 0;
    for (size_t i = 0; i < l->carrier_count; i++) {
        const struct wire_counts *c = &l->carriers[i].counts;
#define X(name) sum.name += c->name;
        WIRE_COUNTS(X)
#undef X
        sum.late_max_ns = c->late_max_ns > sum.late_max_ns ? c->late_max_ns : sum.late_max_ns;
    }
    return sum;
}

/* What a stall held leaves in one burst, in order. */
static void drive(struct live *l, struct carrier *c, const struct path_state *shape)
{
    bool goes_on = c->shaper.shape.stalled && !shape->stalled;
    wire_shaper_set(&c->shaper, shape);
    wire_lanes_set(&c->lanes, l->seed, c->path, shape);
    if (goes_on) {
        wire_queue_release(l->queue, (uint16_t)(c - l->carriers), loop_tick(l->loop));
        set_timer(l);
    }
}

static void reply(struct live *l, const struct wire_ask *q, struct wire_answer *a)
{
    struct carrier *c = q->what == WIRE_TOTALS ? NULL : carrier_of(l, q->path);
    if (q->what == WIRE_TOTALS) {
        a->counts = totals(l);
    } else if (!c) {
        err_set(&a->head.failed, ERR_DEFECT, "wire", "path %u is not wired", q->path);
        return;
    } else {
        if (q->what == WIRE_SET) {
            drive(l, c, &q->shape);
        }
        a->shape = c->shaper.shape;
        wire_lanes_get(&c->lanes, &a->shape);
        a->counts = c->counts;
    }
    a->head.right = true;
}

static void asked(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct live *l = live_of(io, control_io);
    struct wire_ask q;
    struct wire_answer a = {0};
    ssize_t n = recv(io->fd, &q, sizeof(q), MSG_DONTWAIT);
    if (n == (ssize_t)sizeof(q)) {
        reply(l, &q, &a);
        n = send(io->fd, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (n <= 0) { /* the lab has gone */
        loop_io_stop(io);
        l->stop = true;
    }
}

/* ---- life ---- */

static int begin(struct live *l, const struct wire_options *o, struct err *e)
{
    l->first_index = o->first_index;
    l->seed = o->seed;
    l->carrier_count = 2 * o->link_count;
    l->carriers = xcalloc(l->carrier_count, sizeof(*l->carriers));
    for (size_t i = 0; i < l->carrier_count; i++) {
        struct carrier *c = &l->carriers[i];
        c->path = path_of(o->links[i / 2], i % 2 == 1);
        c->out_index = o->first_index + (int)(i ^ 1);
        wire_shaper_init(&c->shaper, o->seed, c->path, 0);
    }
    l->frames_io.ready = frames_ready;
    l->control_io.ready = asked;
    l->due.due = frames_due;
    l->loop = loop_new(e);
    if (!l->loop || wire_queue_new(&l->queue, e) != 0 || wire_ring_open(&l->ring, e) != 0) {
        return -1;
    }
    l->empty_ns = loop_tick(l->loop);
    return loop_io_set(l->loop, &l->frames_io, wire_ring_fd(l->ring), EPOLLIN, e) != 0 ||
                   loop_io_set(l->loop, &l->control_io, CONTROL_FD, EPOLLIN, e) != 0
               ? -1
               : 0;
}

void wire_live(int control_fd, const struct wire_options *o)
{
    struct live l = {0};
    struct wire_answer hello = {0};
    prctl(PR_SET_NAME, "drtest-wire", 0UL, 0UL, 0UL);
    if (dup2(control_fd, CONTROL_FD) < 0) {
        _exit(1);
    }
    close_range(CONTROL_FD + 1, ~0U, 0);
    hello.head.right = begin(&l, o, &hello.head.failed) == 0;
    bool told = send(CONTROL_FD, &hello, sizeof(hello), MSG_NOSIGNAL) == (ssize_t)sizeof(hello);
    if (told && hello.head.right) {
        loop_run(l.loop, INT64_MAX, &l.stop, NULL);
    }
    _exit(told && hello.head.right ? 0 : 1);
}
