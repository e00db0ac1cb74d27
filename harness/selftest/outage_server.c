/* SPDX-License-Identifier: MIT */
/*
 * One loop: listeners, short exchanges, the owner's control socket, the timer of the current phase, and a tick.
 *
 * What becomes of a connection is decided when it is accepted, whatever happens while it is served. So the instant that
 * counts lies between the client's send and the server's accept, and a change of state splits the connections cleanly:
 * each was accepted before it or after it. A freeze does not accept at all; the kernel completes the connections, and
 * they are served in the order of their coming when it ends.
 *
 * The tick is the server's stall canary: once a millisecond the loop notes how late it was. A connection cannot have
 * waited longer for its accept than the loop was late, which is what the acceptance of section "Self-test" of
 * docs/measuring.md counts as the server's part of sigma.
 */
#include "harness/selftest/outage_server.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/selftest/http_stub.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 4096
#define LIFETIME_NS (600 * NS_PER_S)
#define TICK_NS NS_PER_MS
#define LATE_NS (200 * NS_PER_US)

const char *const outage_words[OUTAGE_COUNT] = {
#define X(name, word) word,
    OUTAGE_MODES(X)
#undef X
};

struct server {
    struct stub stub;
    struct stub_listener doors[DOORS];
    struct loop_io control;
    struct loop_timer phase_end, tick;
    struct outage_journal *journal;
    struct outage_order order;
    size_t phase;
    int listening[DOORS];
    enum outage_mode mode;
    bool second[DOORS], resting, over;
    int64_t slow_ns;
};

static struct server server; /* one per process */

static void answer_well(struct stub_exchange *x)
{
    static const char body[] = "{\"key\":null,\"version\":0,\"op\":null,\"value\":null}";
    stub_answer(x, "200 OK", "X-DR-Region: truth\r\n", body, strlen(body));
}

static void slow_due(struct loop_timer *t, int64_t now)
{
    (void)now;
    answer_well((struct stub_exchange *)(void *)((char *)t - offsetof(struct stub_exchange, timer)));
}

static bool accepted(struct stub_exchange *x)
{
    x->mood = (int)server.mode;
    if (server.mode == OUTAGE_HALF) {
        bool *second = &server.second[x->from - server.doors];
        *second = !*second;
        x->mood = *second ? OUTAGE_NONE : OUTAGE_ERROR503;
    }
    return server.mode != OUTAGE_RST;
}

static void asked(struct stub_exchange *x, const struct stub_request *r)
{
    (void)r;
    if (x->mood == OUTAGE_ERROR503) {
        stub_answer(x, "503 Service Unavailable", "", "{}", 2);
    } else if (x->mood == OUTAGE_SLOW) {
        x->timer.due = slow_due;
        loop_timer_set(server.stub.loop, &x->timer, loop_now(server.stub.loop) + server.slow_ns);
    } else if (x->mood != OUTAGE_BLACKHOLE) {
        answer_well(x);
    }
}

static void doors_rest(void)
{
    for (size_t i = 0; i < DOORS; i++)
        stub_listener_rest(&server.doors[i]);
    server.resting = true;
}

static void doors_open(void)
{
    for (size_t i = 0; i < DOORS; i++)
        if (stub_listen(&server.stub, &server.doors[i], server.listening[i]) < 0)
            server.over = true;
    server.resting = false;
}

/* The truth is written here and nowhere else. */
static void stand(enum outage_mode mode)
{
    struct outage_journal *j = server.journal;
    size_t n = j->change_count;
    struct outage_change c = {.mode = mode, .before_ns = clock_mono_ns()};
    server.mode = mode;
    if (mode == OUTAGE_FREEZE)
        doors_rest();
    c.after_ns = clock_mono_ns();
    if (mode != OUTAGE_FREEZE && server.resting)
        doors_open();
    if (n == OUTAGE_CHANGES) {
        server.over = true;
        return;
    }
    j->changes[n] = c;
    atomic_store_explicit(&j->change_count, n + 1, memory_order_release);
}

static void phase_begin(int64_t now)
{
    bool out = server.phase % 2 == 0 && server.phase < server.order.phase_count;
    enum outage_mode as = server.order.mode == OUTAGE_FLAP ? OUTAGE_RST : server.order.mode;
    stand(out ? as : OUTAGE_NONE);
    if (server.phase < server.order.phase_count)
        loop_timer_set(server.stub.loop, &server.phase_end, now + server.order.phases_ns[server.phase]);
}

static void phase_over(struct loop_timer *t, int64_t now)
{
    (void)t;
    server.phase++;
    phase_begin(now);
}

static void control_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct outage_order o;
    if (recv(io->fd, &o, sizeof(o), MSG_DONTWAIT) != (ssize_t)sizeof(o) || o.mode >= OUTAGE_COUNT ||
        o.phase_count > OUTAGE_PHASES) {
        server.over = true;
        return;
    }
    server.order = o;
    server.phase = 0;
    phase_begin(loop_tick(server.stub.loop));
    if (send(io->fd, "", 1, MSG_NOSIGNAL) != 1)
        server.over = true;
}

static void ticked(struct loop_timer *t, int64_t now)
{
    struct outage_journal *j = server.journal;
    int64_t due = t->at;
    size_t n = j->late_count;
    if (now - due >= LATE_NS && n == OUTAGE_LATES) {
        j->lates[n - 1].woke_ns = now; /* full: what follows is merged into the last */
    } else if (now - due >= LATE_NS) {
        j->lates[n] = (struct outage_late){due, now};
        atomic_store_explicit(&j->late_count, n + 1, memory_order_release);
    }
    loop_timer_set(server.stub.loop, t, due + ((now - due) / TICK_NS + 1) * TICK_NS);
}

/* Without enough descriptors connections would be closed at accept, and the truth would be another one. */
static bool descriptors_suffice(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= CONNECTIONS + 64;
}

static _Noreturn void server_main(const int listeners[DOORS], int control)
{
    struct loop *l = loop_new(NULL);
    if (!l || !descriptors_suffice())
        _exit(1);
    memcpy(server.listening, listeners, sizeof(server.listening));
    server.resting = true;
    server.stub.accepted = accepted;
    server.stub.asked = asked;
    server.control.ready = control_ready;
    server.phase_end.due = phase_over;
    server.tick.due = ticked;
    stub_init(&server.stub, l, CONNECTIONS);
    loop_timer_set(l, &server.tick, clock_mono_ns() + TICK_NS);
    stand(OUTAGE_NONE);
    if (loop_io_set(l, &server.control, control, EPOLLIN, NULL) == 0)
        loop_run(l, clock_mono_ns() + LIFETIME_NS, &server.over, NULL);
    _exit(0);
}

static int descriptors_check(struct err *e)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= CONNECTIONS + 64)
        return 0;
    err_set(e, ERR_MACHINE, "selftest", "the outage server needs %d open files, fewer are allowed", CONNECTIONS + 64);
    return err_help(e, "raise the hard limit (ulimit -Hn %d)", CONNECTIONS + 64);
}

int outage_server_start(struct outage_server *s, uint8_t host, int64_t slow_ns, struct err *e)
{
    int pair[2];
    *s = (struct outage_server){.control = -1, .process.pidfd = -1};
    snprintf(s->address, sizeof(s->address), "127.0.0.%u", (unsigned)host);
    if (descriptors_check(e) < 0)
        return -1;
    scoped_fd int worker = stub_socket(s->address, &s->ports[DOOR_WORKER], e);
    scoped_fd int closed = stub_socket(s->address, &s->ports[DOOR_CLOSED_LOOP], e);
    scoped_fd int watcher = stub_socket(s->address, &s->ports[DOOR_WATCHER], e);
    const int listeners[DOORS] = {worker, closed, watcher};
    if (worker < 0 || closed < 0 || watcher < 0)
        return -1;
    s->journal = mmap(NULL, sizeof(*s->journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->journal == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        s->journal = s->journal == MAP_FAILED ? NULL : s->journal;
        return err_set(e, ERR_MACHINE, "selftest", "the self-test cannot talk to its server");
    }
    scoped_fd int ours = pair[0], theirs = pair[1];
    int side = child_fork(&s->process, e);
    if (side == 0) {
        fd_close(&ours);
        server.journal = s->journal;
        server.slow_ns = slow_ns;
        server_main(listeners, theirs);
    }
    s->control = side > 0 ? steal_fd(&ours) : -1;
    return side > 0 ? 0 : -1;
}

int outage_server_order(struct outage_server *s, const struct outage_order *o, struct err *e)
{
    char done;
    struct pollfd p = {.fd = s->control, .events = POLLIN};
    if (send(s->control, o, sizeof(*o), MSG_NOSIGNAL) != (ssize_t)sizeof(*o) || poll(&p, 1, 1000) != 1 ||
        recv(s->control, &done, 1, 0) != 1)
        return err_set(e, ERR_RUN, "selftest", "the outage server did not answer within 1 s");
    return 0;
}

void outage_server_stop(struct outage_server *s)
{
    fd_close(&s->control);
    if (s->process.pid)
        child_stop(&s->process, 0, NULL);
    if (s->journal)
        munmap(s->journal, sizeof(*s->journal));
    s->journal = NULL;
}

int64_t outage_server_lateness(const struct outage_server *s, int64_t from_ns, int64_t to_ns)
{
    int64_t worst = 0;
    size_t n = atomic_load_explicit(&s->journal->late_count, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        const struct outage_late *l = &s->journal->lates[i];
        if (l->due_ns <= to_ns && l->woke_ns >= from_ns && l->woke_ns - l->due_ns > worst)
            worst = l->woke_ns - l->due_ns;
    }
    return worst;
}
