/* SPDX-License-Identifier: MIT */
/*
 * Two absolute timers drive it. One stands at the next planned instant s_k = s_0 + floor(k / rate), computed from k;
 * when it fires, every request that is due leaves at once, each with its own s_k, whatever became of those before: an
 * open loop. The other stands at the next chore: a probe of an endpoint that is due, a request whose time is up, the
 * record to be brought to the file. Everything else is a socket that became ready.
 *
 * A request ends exactly once, as a line of the record, also when it could not leave (unsent). Completion is read from
 * the clock behind the last read. Between them lies nothing but this loop; how late it ran shows as sent_ns -
 * planned_ns.
 *
 * The first probe of each endpoint falls on a seeded phase of its own, as in the ordinary load.
 */
#include "harness/crosscheck/prober.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define FLUSH_EVERY_NS (100 * NS_PER_MS)
enum { EVENTS_AT_ONCE = 64, KEYS = 16, FIRST_ROOM = 64 };

/* What an epoll event is about: the generation and slot of a visit, or one of these. */
enum { TAG_PLAN = 1, TAG_CHORE, TAG_WATCH, TAGS };

struct cross_visit {
    struct cross_exchange exchange;
    uint32_t slot, generation;
    size_t place;
    bool is_probe;
    uint64_t k;
    int64_t planned_ns, deadline_ns;
};

const struct plan_stream *cross_stream(const struct plan *plan, uint16_t vantage)
{
    for (size_t i = 0; i < plan->stream_count; i++) {
        if (plan->streams[i].kind == STREAM_READ_FRESH && plan->streams[i].vantage == vantage) {
            return &plan->streams[i];
        }
    }
    return NULL;
}

bool cross_possible(const struct plan *plan)
{
    const struct topology *t = plan->topology;
    bool any = false;
    for (uint16_t site = 0; site < t->site_count; site++) {
        if (t->sites[site].kind == SITE_VANTAGE) {
            any = true;
            if (!cross_stream(plan, site)) {
                return false;
            }
        }
    }
    return any;
}

static int64_t run_time(const struct cross_prober *p, int64_t at_ns)
{
    return at_ns - p->config.zero_ns;
}

__extension__ typedef unsigned __int128 wide;

static int64_t due_ns(const struct cross_prober *p, uint64_t k)
{
    return p->first_ns + (int64_t)((wide)k * 1000000000000000u / (uint64_t)p->stream->rate_micro);
}

static void timer_at(int fd, int64_t at_ns)
{
    struct itimerspec when = {.it_value = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S}};
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- visits ---- */

static struct cross_visit *visit_new(struct cross_prober *p)
{
    uint32_t slot = 0;
    while (slot < p->visit_room && p->visits[slot]) {
        slot++;
    }
    if (slot == p->visit_room) {
        size_t room = p->visit_room ? 2 * p->visit_room : FIRST_ROOM;
        p->visits = xrealloc(p->visits, room * sizeof(struct cross_visit *));
        memset(p->visits + p->visit_room, 0, (room - p->visit_room) * sizeof(struct cross_visit *));
        p->visit_room = room;
    }
    struct cross_visit *v = xcalloc(1, sizeof(*v));
    v->slot = slot;
    v->generation = ++p->generation;
    p->visits[slot] = v;
    p->under_way++;
    return v;
}

static void visit_free(struct cross_prober *p, struct cross_visit *v)
{
    cross_exchange_close(&v->exchange);
    p->visits[v->slot] = NULL;
    p->under_way--;
    free(v);
}

static void note_change(struct cross_prober *p, int64_t now)
{
    int64_t at = run_time(p, now);
    struct cross_record r = {.kind = CROSS_CHANGE, .planned_ns = at, .sent_ns = at, .done_ns = at,
                             .node = p->route.places[p->route.here].node};
    cross_book_add(&p->book, &r);
}

static void request_over(struct cross_prober *p, const struct cross_visit *v, enum outcome outcome)
{
    const struct cross_exchange *x = &v->exchange;
    int status = x->reply.head_done ? x->reply.status : 0;
    bool late = outcome == OUTCOME_GOOD && x->done_ns - v->planned_ns > p->stream->timeout_ns;
    struct cross_record r = {.kind = CROSS_REQUEST, .number = v->k, .node = p->route.places[v->place].node,
                             .outcome = (uint8_t)(late ? OUTCOME_LATE : outcome), .status = (uint16_t)status,
                             .planned_ns = run_time(p, v->planned_ns), .sent_ns = run_time(p, x->sent_ns),
                             .done_ns = run_time(p, x->done_ns)};
    cross_book_add(&p->book, &r);
    if (outcome != OUTCOME_UNSENT &&
        cross_route_request(&p->route, v->place, cross_blames(outcome, status), x->sent_ns, x->done_ns)) {
        note_change(p, x->done_ns);
    }
}

static void visit_over(struct cross_prober *p, struct cross_visit *v, enum outcome outcome)
{
    if (!v->is_probe) {
        request_over(p, v, outcome);
    } else if (outcome != OUTCOME_UNSENT) {
        bool ready = outcome == OUTCOME_GOOD && v->exchange.reply.status == 200;
        if (cross_route_probe(&p->route, v->place, !ready, v->exchange.done_ns)) {
            note_change(p, v->exchange.done_ns);
        }
    }
    visit_free(p, v);
}

static void visit_wait(struct cross_prober *p, struct cross_visit *v, int how)
{
    struct epoll_event ev = {.events = cross_exchange_events(&v->exchange),
                             .data.u64 = (uint64_t)v->generation << 32 | (v->slot + TAGS)};
    if (epoll_ctl(p->epoll_fd, how, v->exchange.fd, &ev) != 0) {
        v->exchange.done_ns = clock_mono_ns();
        visit_over(p, v, OUTCOME_UNSENT);
    }
}

static bool renew(struct cross_prober *p, int64_t now_ns)
{
    const struct topology *t = p->config.plan->topology;
    int64_t lifetime_ns = t->identity.tokens.lifetime_ns, now_s = clock_wall_ns() / NS_PER_S;
    const struct token_claims claims = {t->callers[CALLER_CUSTOMER].name, TOPO_AUDIENCE, now_s,
                                        now_s + lifetime_ns / NS_PER_S};
    text_clear(&p->token);
    p->renew_ns = now_ns + lifetime_ns / 2;
    return token_sign(p->config.token_key, &claims, &p->token, NULL) == 0;
}

/* What a customer shows: his key, or a token that he renews when half of its life is over. */
static bool show(struct cross_prober *p, struct cross_target *to)
{
    if (!p->config.token_key) {
        to->api_key = topo_key(p->config.plan->topology, CALLER_CUSTOMER);
        return true;
    }
    int64_t now_ns = clock_mono_ns();
    to->token = now_ns < p->renew_ns || renew(p, now_ns) ? text_str(&p->token) : NULL;
    return to->token != NULL;
}

static void visit_begin(struct cross_prober *p, struct cross_visit *v, const char *path, int64_t timeout_ns)
{
    struct cross_target to = {.address = p->route.places[v->place].address, .port = p->config.http_port, .path = path};
    enum outcome outcome = OUTCOME_UNSENT;
    if (!show(p, &to)) {
        v->exchange = (struct cross_exchange){.fd = -1, .sent_ns = v->planned_ns, .done_ns = v->planned_ns};
        visit_over(p, v, outcome);
        return;
    }
    if (cross_exchange_begin(&v->exchange, &to, rng_next(&p->rng), &outcome) == CROSS_OVER) {
        visit_over(p, v, outcome);
        return;
    }
    v->deadline_ns = v->exchange.sent_ns + timeout_ns;
    visit_wait(p, v, EPOLL_CTL_ADD);
}

static void visit_go(struct cross_prober *p, struct cross_visit *v)
{
    enum outcome outcome;
    uint32_t before = cross_exchange_events(&v->exchange);
    if (cross_exchange_go(&v->exchange, &outcome) == CROSS_OVER) {
        visit_over(p, v, outcome);
    } else if (cross_exchange_events(&v->exchange) != before) {
        visit_wait(p, v, EPOLL_CTL_MOD);
    }
}

/* ---- plan and chores ---- */

static void send_request(struct cross_prober *p, uint64_t k, int64_t planned_ns)
{
    scoped_text struct text path = {0};
    struct cross_visit *v = visit_new(p);
    v->place = p->route.here;
    v->k = k;
    v->planned_ns = planned_ns;
    text_addf(&path, "%s%ckey=k%u", p->stream->path, strchr(p->stream->path, '?') ? '&' : '?',
              (unsigned)rng_below(&p->rng, KEYS));
    visit_begin(p, v, text_str(&path), p->stream->timeout_ns);
}

static void plan_due(struct cross_prober *p)
{
    uint64_t fired;
    if (read(p->plan_fd, &fired, sizeof(fired)) < 0 || p->stopping || p->first_ns == 0) {
        return;
    }
    int64_t now = clock_mono_ns(), due;
    while ((due = due_ns(p, p->next)) <= now) {
        send_request(p, p->next++, due);
    }
    timer_at(p->plan_fd, due);
}

static void probe_due(struct cross_prober *p, int64_t now)
{
    const struct topo_failover *rules = &p->config.plan->topology->failover;
    for (size_t i = 0; i < p->route.count && !p->stopping && rules->probe_every_ns > 0; i++) {
        if (p->probe_at[i] > now) {
            continue;
        }
        struct cross_visit *v = visit_new(p);
        v->is_probe = true;
        v->place = i;
        visit_begin(p, v, "/readyz", rules->probe_timeout_ns);
        int64_t missed = (now - p->probe_at[i]) / rules->probe_every_ns;
        p->probe_at[i] += (missed + 1) * rules->probe_every_ns;
    }
}

static void time_up(struct cross_prober *p, int64_t now)
{
    for (size_t i = 0; i < p->visit_room; i++) {
        struct cross_visit *v = p->visits[i];
        if (v && v->deadline_ns <= now) {
            v->exchange.done_ns = now;
            visit_over(p, v, OUTCOME_TIMEOUT);
        }
    }
}

static void set_chore(struct cross_prober *p)
{
    int64_t at = p->flush_at;
    bool probing = !p->stopping && p->config.plan->topology->failover.probe_every_ns > 0;
    for (size_t i = 0; probing && i < p->route.count; i++) {
        at = p->probe_at[i] < at ? p->probe_at[i] : at;
    }
    for (size_t i = 0; i < p->visit_room; i++) {
        at = p->visits[i] && p->visits[i]->deadline_ns < at ? p->visits[i]->deadline_ns : at;
    }
    timer_at(p->chore_fd, at);
}

static void chores(struct cross_prober *p, struct err *e)
{
    uint64_t fired;
    int64_t now = clock_mono_ns();
    if (read(p->chore_fd, &fired, sizeof(fired)) < 0 && errno != EAGAIN) {
        err_os(e, ERR_RUN, errno, "second prober", "cannot read its timer");
    }
    time_up(p, now);
    probe_due(p, now);
    if (now >= p->flush_at) {
        cross_book_flush(&p->book, e);
        p->flush_at = now + FLUSH_EVERY_NS;
    }
}

/* ---- life ---- */

int cross_prober_watch(struct cross_prober *p, int watch_fd, struct err *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = TAG_WATCH};
    if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, watch_fd, &ev) != 0) {
        return err_os(e, ERR_RUN, errno, "second prober", "cannot watch its control socket");
    }
    return 0;
}

void cross_prober_unwatch(struct cross_prober *p, int watch_fd)
{
    epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, watch_fd, NULL);
}

static int open_timer(struct cross_prober *p, int *fd, uint64_t tag, struct err *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = tag};
    *fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (*fd < 0 || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, *fd, &ev) != 0) {
        return err_os(e, ERR_RUN, errno, "second prober", "cannot make a timer");
    }
    return 0;
}

static int raise_limit(const struct cross_prober *p, struct err *e)
{
    double under_way = (double)p->stream->rate_micro / 1e6 * (double)p->stream->timeout_ns / (double)NS_PER_S;
    rlim_t needed = (rlim_t)(2 * under_way) + 64;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_os(e, ERR_MACHINE, errno, "second prober", "cannot read the limit of open files");
    }
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < needed || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        err_set(e, ERR_MACHINE, "second prober", "the planned rate needs %llu open files, %llu are allowed",
                (unsigned long long)needed, (unsigned long long)limit.rlim_max);
        return err_help(e, "raise the hard limit (ulimit -Hn %llu), or plan a lower rate", (unsigned long long)needed);
    }
    return 0;
}

/* Phases of its own: a consumer name that no stream or probe of the load has. */
static void seed(struct cross_prober *p)
{
    const struct plan *plan = p->config.plan;
    int64_t every = plan->topology->failover.probe_every_ns, now = clock_mono_ns();
    scoped_text struct text consumer = {0};
    text_addf(&consumer, "crosscheck/%s", plan->topology->sites[p->config.vantage].name);
    rng_init(&p->rng, plan->seed, text_str(&consumer));
    p->probe_at = xcalloc(p->route.count + 1, sizeof(*p->probe_at));
    for (size_t i = 0; i < p->route.count; i++) {
        p->probe_at[i] = now + (int64_t)rng_below(&p->rng, (uint64_t)(every > 0 ? every : 1));
    }
    p->flush_at = now + FLUSH_EVERY_NS;
}

int cross_prober_open(struct cross_prober *p, const struct cross_config *c, struct err *e)
{
    *p = (struct cross_prober){.config = *c, .stream = cross_stream(c->plan, c->vantage), .epoll_fd = -1, .plan_fd = -1,
                               .chore_fd = -1, .book.fd = -1};
    if (!p->stream || p->stream->rate_micro <= 0 || c->plan->topology->endpoint_count == 0) {
        return err_set(e, ERR_DEFECT, "second prober", "there is nothing for it to ask");
    }
    cross_route_init(&p->route, c->plan->topology, c->addresses);
    if (raise_limit(p, e) != 0) {
        return -1;
    }
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll_fd < 0) {
        return err_os(e, ERR_RUN, errno, "second prober", "cannot make an epoll descriptor");
    }
    if (open_timer(p, &p->plan_fd, TAG_PLAN, e) != 0 || open_timer(p, &p->chore_fd, TAG_CHORE, e) != 0 ||
        cross_book_open(&p->book, c->run_path, c->vantage, e) != 0) {
        return -1;
    }
    seed(p);
    set_chore(p);
    return 0;
}

void cross_prober_close(struct cross_prober *p)
{
    for (size_t i = 0; i < p->visit_room; i++) {
        if (p->visits[i]) {
            visit_free(p, p->visits[i]);
        }
    }
    free(p->visits);
    free(p->probe_at);
    if (p->book.fd >= 0) {
        cross_book_close(&p->book);
    }
    fd_close(&p->plan_fd);
    fd_close(&p->chore_fd);
    fd_close(&p->epoll_fd);
    cross_route_deinit(&p->route);
    text_deinit(&p->token);
}

void cross_prober_start(struct cross_prober *p, int64_t start_ns)
{
    uint64_t gap = (uint64_t)(1000000000000000 / p->stream->rate_micro);
    p->first_ns = start_ns + (int64_t)rng_below(&p->rng, gap);
    timer_at(p->plan_fd, p->first_ns);
}

void cross_prober_stop(struct cross_prober *p)
{
    p->stopping = true;
}

static void handle(struct cross_prober *p, uint64_t tag, bool *watched, struct err *e)
{
    if (tag == TAG_PLAN) {
        plan_due(p);
    } else if (tag == TAG_CHORE) {
        chores(p, e);
    } else if (tag == TAG_WATCH) {
        *watched = true;
    } else {
        size_t slot = (size_t)(uint32_t)tag - TAGS;
        struct cross_visit *v = slot < p->visit_room ? p->visits[slot] : NULL;
        if (v && v->generation == tag >> 32) {
            visit_go(p, v);
        }
    }
}

bool cross_prober_turn(struct cross_prober *p, bool *watched, struct err *e)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(p->epoll_fd, events, EVENTS_AT_ONCE, -1);
    if (n < 0 && errno != EINTR) {
        err_os(e, ERR_RUN, errno, "second prober", "cannot wait for events");
        return false;
    }
    *watched = false;
    for (int i = 0; i < n; i++) {
        handle(p, events[i].data.u64, watched, e);
    }
    if (p->stopping && p->under_way == 0) {
        struct cross_record end = {.kind = CROSS_END};
        cross_book_add(&p->book, &end);
        cross_book_flush(&p->book, e);
        return false;
    }
    set_chore(p);
    return true;
}
