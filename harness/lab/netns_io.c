/* SPDX-License-Identifier: MIT */
/*
 * How a node's disk behaves, as opposed to how much of it there is (netns_disk.c): slow, broken, or forgetful, by a tap
 * (tap.h) that the node's processes are under from their start. Only runs with such a fault have taps.
 *
 * A limit reads back from the tap's page, which is worth something as long as the tap lives and the kernel says that
 * the node's process is filtered; both are asked. The trial is a guest under the same tap, with a file without a name
 * on the same disk: it writes and syncs, twice for a delay, of which the quicker counts; and for what is not synced it
 * writes, syncs, writes again and dies, and the file tells what of it is left.
 */
#include "harness/lab/netns.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST_BOUND_NS (8 * NS_PER_S)
#define SETTLE_BOUND_NS (3 * NS_PER_S) /* a call may wait for a second */

enum { GUEST_WELL = 0, GUEST_SLOWED = 3, GUEST_REFUSED = 4, GUEST_LOST = 5 };

static const char synced[] = "kept", unsynced[] = "gone";
#define WORDS_LEN (sizeof(synced) - 1)

int netns_tap_furnish(struct netns_lab *l, uint16_t node, struct err *e)
{
    struct node_run *run = &l->runs[node];
    scoped_text struct text path = {0};
    struct stat st;
    if (!(l->options.effects & 1u << EFFECT_IO)) {
        return 0;
    }
    netns_node_path(l, node, "data", &path);
    if (stat(text_str(&path), &st) != 0) {
        return err_os(e, ERR_RUN, errno, text_str(&path), "cannot look at it");
    }
    if (!run->tap && tap_open(&run->tap, e) != 0) {
        return -1;
    }
    tap_disk(run->tap, st.st_dev);
    return netns_tap_settle(l, node, e);
}

int netns_tap_settle(struct netns_lab *l, uint16_t node, struct err *e)
{
    return l->runs[node].tap ? tap_await_settled(l->runs[node].tap, TAP_NODE, SETTLE_BOUND_NS, e) : 0;
}

int netns_io_starve(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t limit, struct err *e)
{
    struct tap *t = l->runs[node].tap;
    bool on = limit != LAB_PLENTY;
    if (!t) {
        return on ? err_set(e, ERR_DEFECT, l->topo->nodes[node].name, "it has no tap") : 0;
    }
    switch (r) {
    case RESOURCE_IO_TIME:
        t->page->delay_ns = on ? limit : 0;
        return 0;
    case RESOURCE_IO:
        t->page->failing = on;
        return 0;
    default:
        t->page->forgetful = on;
        return 0;
    }
}

static int64_t limit_of(const struct tap_page *page, enum lab_resource r)
{
    switch (r) {
    case RESOURCE_IO_TIME:
        return page->delay_ns > 0 ? page->delay_ns : LAB_PLENTY;
    case RESOURCE_IO:
        return page->failing ? 0 : LAB_PLENTY;
    default:
        return page->forgetful ? 0 : LAB_PLENTY;
    }
}

/* Nanoseconds that a write took, -1 when it failed. */
static int64_t time_write(int fd, const char *words)
{
    int64_t begun_ns = clock_mono_ns();
    bool right = write(fd, words, WORDS_LEN) == (ssize_t)WORDS_LEN;
    return right ? clock_mono_ns() - begun_ns : -1;
}

static _Noreturn void guest(struct tap *t, int fd, enum lab_resource r, int64_t want)
{
    if (tap_attach(t, TAP_GUEST) != 0) {
        _exit(GUEST_LOST);
    }
    int64_t first = time_write(fd, synced);
    int rc = fsync(fd);
    int64_t second = time_write(fd, unsynced);
    if (first < 0 || second < 0 || rc != 0) {
        _exit(errno == EIO ? GUEST_REFUSED : GUEST_LOST);
    }
    _exit(r == RESOURCE_IO_TIME && first >= want && second >= want ? GUEST_SLOWED : GUEST_WELL);
}

static int invite(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct err *e)
{
    struct node_guest *g = &l->runs[node].guest;
    scoped_text struct text path = {0};
    netns_node_path(l, node, "data", &path);
    g->file = open(text_str(&path), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (g->file < 0) {
        return err_os(e, ERR_RUN, errno, text_str(&path), "cannot make a file there");
    }
    g->until_ns = clock_mono_ns() + GUEST_BOUND_NS;
    int side = child_fork(&g->process, e);
    if (side == 0) {
        guest(l->runs[node].tap, g->file, r, want);
    }
    if (side < 0) {
        fd_close(&g->file);
    }
    return side < 0 ? -1 : 1;
}

static void say(const struct node_guest *g, enum lab_resource r, int64_t want, struct lab_supply *s)
{
    struct stat st = {0};
    int code = WIFEXITED(g->process.status) ? WEXITSTATUS(g->process.status) : GUEST_LOST;
    bool lost = fstat(g->file, &st) == 0 && st.st_size == (off_t)WORDS_LEN;
    if (code == GUEST_LOST) {
        snprintf(s->seen, sizeof(s->seen), "a guest could not try");
    } else if (r == RESOURCE_IO_TIME) {
        s->short_of = code == GUEST_SLOWED;
        snprintf(s->seen, sizeof(s->seen), "a guest's writes took %s than %lld ms", s->short_of ? "longer" : "less",
                 (long long)(want / NS_PER_MS));
    } else if (r == RESOURCE_IO) {
        s->short_of = code == GUEST_REFUSED;
        snprintf(s->seen, sizeof(s->seen), "a guest's write: %.40s", strerror(s->short_of ? EIO : 0));
    } else {
        s->short_of = code == GUEST_WELL && lost;
        snprintf(s->seen, sizeof(s->seen), "of a dead guest's %zu bytes %lld are left", 2 * WORDS_LEN,
                 (long long)st.st_size);
    }
}

static int ask_guest(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                     struct err *e)
{
    struct node_guest *g = &l->runs[node].guest;
    if (g->process.pid == 0) {
        return invite(l, node, r, want, e);
    }
    bool over = clock_mono_ns() > g->until_ns;
    if (!child_dead(&g->process) && !over) {
        return 1;
    }
    child_stop(&g->process, 0, NULL);
    if (!over && !tap_settled(l->runs[node].tap, TAP_GUEST)) {
        return 1;
    }
    say(g, r, want, s);
    fd_close(&g->file);
    g->process = (struct child){0};
    return 0;
}

int netns_io_supply(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                    struct err *e)
{
    struct node_run *run = &l->runs[node];
    if (!run->tap || (!child_dead(&run->process) && !tap_holds(run->tap, run->process.pid))) {
        return err_set(e, ERR_RUN, l->topo->nodes[node].name, "what it does with its disk passes the tap by");
    }
    s->limit = limit_of(run->tap->page, r);
    return want == LAB_PLENTY ? 0 : ask_guest(l, node, r, want, s, e);
}
