/* SPDX-License-Identifier: MIT */
/*
 * A surge as a process of its own, and the conductor's end of it. Like a worker it ends when the conductor closes the
 * link; it gives way to the prober (nice), and tells its tally every 50 ms as decimal numbers in the order of
 * SURGE_TALLY.
 */
#include "harness/load/load_process.h"
#include "harness/load/surge.h"

#include "harness/base/arena.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define TELL_EVERY_NS (50 * NS_PER_MS)
#define GIVE_WAY 5

struct process {
    struct load_process frame; /* the first member */
    struct surge *surge;
};

static void tell(struct load_process *frame)
{
    const struct process *p = (const struct process *)frame;
    struct surge_tally t = surge_count(p->surge);
    scoped_text struct text numbers = {0};
#define X(name) text_addf(&numbers, "%" PRIu64 " ", t.name);
    SURGE_TALLY(X)
#undef X
    link_send(frame->fd, LINK_TALLY, t.at_ns, text_str(&numbers), NULL);
    if (surge_idle(p->surge)) {
        load_process_idle(frame);
    }
}

static void obey(void *arg, const struct link_frame *f)
{
    struct process *p = arg;
    if (!p->surge) {
        return;
    }
    if (f->word == LINK_START) {
        surge_start(p->surge, f->number);
    } else if (f->word == LINK_HEAL) {
        surge_heal(p->surge);
    } else if (f->word == LINK_STOP) {
        surge_stop(p->surge);
    }
}

static int start(struct process *p, const struct surge_config *c, struct err *e)
{
    struct load_process *frame = &p->frame;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (load_process_connect(frame, surge_max_in_flight(c->step), c->authority, c->plan->topology, c->vantage, e) !=
            0 ||
        surge_new(&p->surge, c, frame->loop, frame->transport, e) != 0) {
        return -1;
    }
    return load_process_ready(frame, e);
}

_Noreturn void surge_main(const struct surge_config *c, int fd)
{
    struct err e = {0};
    struct process p = {.frame = {.tell = tell, .obey = obey, .tell_every_ns = TELL_EVERY_NS}};
    load_process_begin(&p.frame, "drtest-surge", fd);
    (void)setpriority(PRIO_PROCESS, 0, GIVE_WAY);
    if (start(&p, c, &e) != 0) {
        load_process_fail(&p.frame, &e);
    }
    int code = load_process_run(&p.frame);
    surge_free(p.surge);
    load_process_end(&p.frame);
    _exit(code);
}

/* The conductor's end. */

struct surge_link {
    struct loop_io io;
    int fd;
    bool ready, idle, failed;
    struct surge_tally tally;
    char failure[sizeof(((struct link_frame *)0)->text)];
};

static void fail(struct surge_link *l, const char *why)
{
    if (!l->failed) {
        snprintf(l->failure, sizeof(l->failure), "%s", why);
        l->failed = true;
    }
}

bool surge_tally_read(struct surge_tally *to, const char *text)
{
    const char *at = text;
    struct surge_tally t = {.at_ns = to->at_ns};
    char *end;
#define X(name)                                \
    t.name = strtoull(at, &end, 10);           \
    if (*at < '0' || *at > '9' || *end != ' ') \
        return false;                          \
    at = end + 1;
    SURGE_TALLY(X)
#undef X
    *to = t;
    return *at == '\0';
}

static void take(void *arg, const struct link_frame *f)
{
    struct surge_link *l = arg;
    if (f->word == LINK_READY) {
        l->ready = true;
    } else if (f->word == LINK_IDLE) {
        l->idle = true;
    } else if (f->word == LINK_FAILED) {
        fail(l, f->text);
    } else if (f->word == LINK_TALLY && surge_tally_read(&l->tally, f->text)) {
        l->tally.at_ns = f->number;
    } else {
        fail(l, "the surge's process said what is no message of its own");
    }
}

static void on_news(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct surge_link *l = (struct surge_link *)io; /* io is its first member */
    enum link_news news = link_take_all(l->fd, take, l);
    if (news != LINK_NOTHING) {
        fail(l, news == LINK_CLOSED ? "the surge's process ended" : "the surge's process sent what is no message");
        loop_io_stop(&l->io);
    }
}

int surge_link_new(struct surge_link **out, int fd, struct loop *loop, struct err *e)
{
    struct surge_link *l = xcalloc(1, sizeof(*l));
    l->io.ready = on_news;
    l->fd = fd;
    if (loop_io_set(loop, &l->io, fd, EPOLLIN, e) != 0) {
        free(l);
        return -1;
    }
    *out = l;
    return 0;
}

void surge_link_free(struct surge_link *l)
{
    if (l) {
        loop_io_stop(&l->io);
    }
    free(l);
}

int surge_link_tell(struct surge_link *l, enum surge_order order, int64_t at_ns, struct err *e)
{
    static const enum link_word words[] = {
        [SURGE_START] = LINK_START, [SURGE_HEAL] = LINK_HEAL, [SURGE_STOP] = LINK_STOP};
    return link_send(l->fd, words[order], at_ns, NULL, e);
}

bool surge_link_ready(const struct surge_link *l)
{
    return l->ready;
}

bool surge_link_idle(const struct surge_link *l)
{
    return l->idle;
}

struct surge_tally surge_link_count(const struct surge_link *l)
{
    return l->tally;
}

const char *surge_link_failure(const struct surge_link *l)
{
    return l->failed ? l->failure : NULL;
}
