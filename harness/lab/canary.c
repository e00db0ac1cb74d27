/* SPDX-License-Identifier: MIT */
/*
 * A timer sends, the receiving socket is watched, and every datagram has one record: when it was sent and how long it
 * took. Sequence numbers are indexes into the records, so loss, duplicates and order are looked up, not inferred.
 *
 * When the loop comes late the missed beats are dropped, not sent in a burst: a burst would queue behind itself and
 * show a delay that is ours. What cannot be sent (a full buffer, an error from the route) has its record and no
 * arrival: the path did not carry it, whoever is to blame; a canary that never arrived before the fault proves nothing
 * later.
 *
 * Datagrams come back from the system under test only by accident (the sockets are connected to each other), yet they
 * are checked: size, mark, path, and a sequence number that was given out.
 */
#include "harness/lab/canary.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BEAT_NS (20 * NS_PER_MS)
#define MARK 0x6472746573743031u /* "drtest01" */

#define LONG_BEAT_NS (100 * NS_PER_MS)
#define IP_AND_UDP_BYTES 28
#define PADDING_MAX 1500

struct datagram {
    uint64_t mark, path, sequence;
};

struct flight {
    int64_t sent_ns;  /* run time */
    int64_t delay_ns; /* -1: not arrived */
    uint8_t copies;
    bool overtaken; /* arrived after one that was sent later */
};

struct canary {
    struct lab *lab;
    struct loop *loop;
    uint16_t path, port;
    size_t bytes; /* of a datagram: the record above, and padding */
    int64_t beat_ns;
    unsigned per_beat;
    int send_fd, receive_fd;
    struct loop_io io;
    struct loop_timer timer;
    vec_of(struct flight) flights;
    uint64_t newest_arrived; /* sequence + 1 */
};

#define canary_of(ptr, member) ((struct canary *)(void *)((char *)(ptr) - offsetof(struct canary, member)))

static int64_t tick(struct canary *c)
{
    return loop_tick(c->loop) - c->lab->zero_ns;
}

static void send_one(struct canary *c)
{
    struct {
        struct datagram d;
        unsigned char padding[PADDING_MAX];
    } out = {.d = {.mark = MARK, .path = c->path, .sequence = c->flights.len}};
    *vec_push(&c->flights) = (struct flight){.sent_ns = tick(c), .delay_ns = -1};
    ssize_t n = send(c->send_fd, &out, c->bytes, MSG_NOSIGNAL);
    (void)n; /* not sent is not arrived */
}

static void beat(struct loop_timer *t, int64_t now)
{
    struct canary *c = canary_of(t, timer);
    for (unsigned i = 0; i < c->per_beat; i++) {
        send_one(c);
    }
    int64_t next = t->at + c->beat_ns;
    loop_timer_set(c->loop, t, next > now ? next : now + c->beat_ns);
}

static void arrive(struct canary *c, uint64_t sequence, int64_t at_ns)
{
    struct flight *f = &c->flights.at[sequence];
    if (f->copies < UINT8_MAX) {
        f->copies++;
    }
    if (f->copies > 1) {
        return;
    }
    f->delay_ns = at_ns - f->sent_ns;
    f->overtaken = sequence + 1 < c->newest_arrived;
    if (!f->overtaken) {
        c->newest_arrived = sequence + 1;
    }
}

static void ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct canary *c = canary_of(io, io);
    struct datagram d;
    ssize_t n;
    while ((n = recv(c->receive_fd, &d, sizeof(d), MSG_DONTWAIT | MSG_TRUNC)) >= 0 || errno == EINTR) {
        if (n == (ssize_t)c->bytes && d.mark == MARK && d.path == c->path && d.sequence < c->flights.len) {
            arrive(c, d.sequence, tick(c));
        }
    }
}

static int start(struct canary **out, struct lab *lab, uint16_t path, uint16_t port, size_t bytes, int64_t beat_ns,
                 struct err *e)
{
    if (!lab->ops->path_sockets) {
        return err_set(e, ERR_DEFECT, "canary", "a %s lab has no sockets to put one into", lab->ops->kind);
    }
    struct canary *c = xcalloc(1, sizeof(*c));
    c->lab = lab;
    c->loop = lab->ops->loop(lab);
    c->path = path;
    c->port = port;
    c->bytes = bytes;
    c->beat_ns = beat_ns;
    c->per_beat = 1;
    c->send_fd = c->receive_fd = -1;
    c->io.ready = ready;
    c->timer.due = beat;
    if (lab->ops->path_sockets(lab, path, port, &c->send_fd, &c->receive_fd, e) != 0 ||
        loop_io_set(c->loop, &c->io, c->receive_fd, EPOLLIN, e) != 0) {
        canary_free(c);
        return -1;
    }
    loop_timer_set(c->loop, &c->timer, loop_tick(c->loop));
    *out = c;
    return 0;
}

int canary_new(struct canary **out, struct lab *lab, uint16_t path, uint16_t port, struct err *e)
{
    return start(out, lab, path, port, sizeof(struct datagram), BEAT_NS, e);
}

int canary_new_long(struct canary **out, struct lab *lab, uint16_t path, size_t ip_bytes, struct err *e)
{
    size_t bytes =
        ip_bytes > IP_AND_UDP_BYTES + sizeof(struct datagram) ? ip_bytes - IP_AND_UDP_BYTES : sizeof(struct datagram);
    if (bytes > PADDING_MAX) {
        return err_set(e, ERR_DEFECT, "canary", "no datagram is %zu bytes long", bytes);
    }
    return start(out, lab, path, 0, bytes, LONG_BEAT_NS, e);
}

void canary_free(struct canary *c)
{
    if (!c) {
        return;
    }
    loop_io_stop(&c->io);
    loop_timer_stop(&c->timer);
    fd_close(&c->send_fd);
    fd_close(&c->receive_fd);
    vec_deinit(&c->flights);
    free(c);
}

void canary_thicken(struct canary *c, unsigned per_beat)
{
    c->per_beat = per_beat;
}

uint16_t canary_path(const struct canary *c)
{
    return c->path;
}

uint16_t canary_port(const struct canary *c)
{
    return c->port;
}

/* The first datagram sent at or after an instant. */
static size_t first_since(const struct canary *c, int64_t from_ns)
{
    size_t low = 0, high = c->flights.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->flights.at[middle].sent_ns < from_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool canary_arrived_before(const struct canary *c, int64_t at_ns)
{
    for (size_t i = 0; i < c->flights.len && c->flights.at[i].sent_ns < at_ns; i++) {
        if (c->flights.at[i].delay_ns >= 0) {
            return true;
        }
    }
    return false;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *delays, size_t n)
{
    if (n == 0) {
        return -1;
    }
    qsort(delays, n, sizeof(*delays), by_size);
    return n % 2 ? delays[n / 2] : delays[n / 2 - 1] / 2 + delays[n / 2] / 2;
}

struct canary_view canary_look(const struct canary *c, int64_t from_ns, int64_t to_ns, int64_t allowance_ns)
{
    struct canary_view v = {.delay_median_ns = -1};
    int64_t judged_to = lab_now(c->lab) - allowance_ns;
    judged_to = judged_to < to_ns ? judged_to : to_ns;
    size_t first = first_since(c, from_ns), end = first_since(c, judged_to);
    if (end <= first) {
        return v;
    }
    scoped_free int64_t *delays = xcalloc(end - first, sizeof(*delays));
    for (size_t i = first; i < end; i++) {
        const struct flight *f = &c->flights.at[i];
        v.sent++;
        v.lost_in_a_row++;
        if (f->delay_ns >= 0) {
            delays[v.received++] = f->delay_ns;
            v.lost_in_a_row = 0;
            v.duplicated += f->copies > 1;
            v.reordered += f->overtaken;
        }
    }
    v.delay_median_ns = median(delays, (size_t)v.received); /* and in order */
    while (v.early < v.received && delays[v.early] < v.delay_median_ns / 2) {
        v.early++;
    }
    return v;
}
