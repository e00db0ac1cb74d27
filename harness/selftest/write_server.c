/* SPDX-License-Identifier: MIT */
/*
 * Writes are dealt with in the order in which they are read. Two logs, one per region, hold numbers of journal entries;
 * a page of GET /v1/ops is cut from a log, small enough for one send, so that a final read needs several. The gateway
 * shows the second region: the one that serves after a fault.
 *
 * A lag is applied at the fault: entries that took effect less than the lag ago are struck from the second log, as if
 * they had not been shipped. The recovery point is therefore exactly the fault's instant less the lag.
 */
#include "harness/selftest/write_server.h"
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"
#include "harness/selftest/http_stub.h"
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 512
#define LIFETIME_NS (120 * NS_PER_S)
#define EVERY 7
#define PAGE 50
#define KEYS 64

const char *const lie_words[LIE_COUNT] = {
#define X(name, word) word,
    WRITE_LIES(X)
#undef X
};

struct late_write {
    struct loop_timer timer;
    size_t entry;
};

struct store {
    struct stub stub;
    struct stub_listener listeners[WRITE_PORTS];
    struct loop_io control;
    struct write_journal *journal;
    enum write_lie lie;
    int64_t lag_ns;
    uint32_t versions[KEYS];
    vec_of(size_t) logs[2];
    bool over;
};

static struct store store; /* one per process */

static void keep(size_t entry, int first, int second)
{
    const int copies[2] = {first, second};
    for (size_t region = 0; region < 2; region++) {
        for (int i = 0; i < copies[region]; i++)
            *vec_push(&store.logs[region]) = entry;
        store.journal->entries[entry].copies[region] += (uint8_t)copies[region];
    }
}

static void late_due(struct loop_timer *t, int64_t now)
{
    (void)now;
    struct late_write *late = (struct late_write *)(void *)((char *)t - offsetof(struct late_write, timer));
    keep(late->entry, 1, 1);
    free(late);
}

/* Stores the write as the script asks and says what is to be answered. */
static enum write_said deal_with(size_t entry)
{
    bool fault = store.journal->fault_before_ns != 0, isolated = store.lie == LIE_ISOLATED && fault;
    bool seen = store.lie == LIE_DENIED || store.lie == LIE_UNANSWERED; /* by the baseline, which must be good */
    bool chosen = store.journal->entries[entry].seq % EVERY == EVERY - 1 && (fault || !seen);
    if (isolated || !chosen) {
        keep(entry, 1, isolated ? 0 : 1);
        return SAID_OK;
    }
    switch (store.lie) {
    case LIE_DROPPED:
        return SAID_OK;
    case LIE_DOUBLED:
        keep(entry, 2, 2);
        return SAID_OK;
    case LIE_DELAYED: {
        struct late_write *late = xcalloc(1, sizeof(*late));
        *late = (struct late_write){.timer.due = late_due, .entry = entry};
        loop_timer_set(store.stub.loop, &late->timer, loop_now(store.stub.loop) + LIE_DELAY_NS);
        return SAID_OK;
    }
    case LIE_DENIED:
        keep(entry, 1, 1);
        return SAID_DENIED;
    case LIE_UNANSWERED:
        if (store.journal->entries[entry].seq % 2)
            keep(entry, 1, 1);
        return SAID_NOTHING;
    default:
        keep(entry, 1, 1);
        return SAID_OK;
    }
}

static void answer_write(struct stub_exchange *x, const struct stub_request *r)
{
    struct write_journal *j = store.journal;
    struct write_entry w = {.effect_ns = clock_mono_ns()};
    unsigned client, key;
    size_t n = j->count;
    if (sscanf(r->body, "{\"op\":\"c%u-%" SCNu64 "\",\"key\":\"k%u\",\"value\":\"%" SCNx64 "\"}", &client, &w.seq, &key,
               &w.value) != 4 || client != 0 || key >= KEYS || n == WRITES_MAX) {
        j->overflow = true;
        stub_close(x, true);
        return;
    }
    w.key = (uint16_t)key;
    w.version = ++store.versions[key];
    j->entries[n] = w;
    j->entries[n].said = deal_with(n);
    atomic_store_explicit(&j->count, n + 1, memory_order_release);
    char body[160];
    int len = snprintf(body, sizeof(body),
                       "{\"op\":\"c0-%" PRIu64 "\",\"key\":\"k%u\",\"version\":%" PRIu32 ",\"lsn\":%zu}", w.seq, key,
                       w.version, n + 1);
    if (j->entries[n].said == SAID_OK)
        stub_answer(x, "200 OK", "X-DR-Region: truth\r\n", body, (size_t)len);
    else if (j->entries[n].said == SAID_DENIED)
        stub_answer(x, "503 Service Unavailable", "X-DR-Not-Forwarded: 1\r\n", "{}", 2);
    else
        stub_close(x, true);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void digest_of(size_t region, char out[SHA256_HEX])
{
    size_t n = store.logs[region].len;
    scoped_free char **ids = xcalloc(n + 1, sizeof(*ids));
    scoped_text struct text all = {0};
    struct arena a = {0};
    for (size_t i = 0; i < n; i++)
        ids[i] = arena_printf(&a, "c0-%" PRIu64, store.journal->entries[store.logs[region].at[i]].seq);
    qsort(ids, n, sizeof(*ids), by_bytes);
    for (size_t i = 0; i < n; i++)
        text_addf(&all, "%s\n", ids[i]);
    sha256_hex(text_str(&all), all.len, out);
    arena_deinit(&a);
}

static void answer_ops(struct stub_exchange *x, uint64_t from)
{
    size_t region = x->from == &store.listeners[WRITE_PORT_FIRST] ? 0 : 1, total = store.logs[region].len;
    scoped_text struct text body = {0}, ops = {0};
    size_t first = from ? (size_t)from - 1 : 0, n = first < total ? total - first : 0;
    n = n > PAGE ? PAGE : n;
    for (size_t i = first; i < first + n; i++) {
        const struct write_entry *w = &store.journal->entries[store.logs[region].at[i]];
        text_addf(&ops, "%s[\"c0-%" PRIu64 "\",%zu,1,\"k%u\",%" PRIu32 ",\"%016" PRIx64 "\"]", i > first ? "," : "",
                  w->seq, i + 1, (unsigned)w->key, w->version, w->value);
    }
    bool last = first + n >= total;
    text_addf(&body, "{\"from\":%" PRIu64 ",\"next\":%zu,\"count\":%zu,\"total\":%zu,\"ops\":[%s]", from,
              last ? (size_t)0 : first + n + 1, n, total, text_str(&ops));
    char digest[SHA256_HEX];
    digest_of(region, digest);
    if (last)
        text_addf(&body, ",\"digest\":\"%s\"", digest);
    text_add(&body, "}");
    stub_answer(x, "200 OK", "X-DR-Region: truth\r\n", body.at, body.len);
}

static bool accepted(struct stub_exchange *x)
{
    (void)x;
    return true;
}

static void asked(struct stub_exchange *x, const struct stub_request *r)
{
    uint64_t from = 0;
    char body[96];
    unsigned key = 0;
    if (r->post) {
        answer_write(x, r);
    } else if (sscanf(r->target, "/v1/ops?from=%" SCNu64, &from) == 1) {
        answer_ops(x, from);
    } else if (sscanf(r->target, "/v1/orders?key=k%u", &key) == 1) {
        int len = snprintf(body, sizeof(body), "{\"key\":\"k%u\",\"version\":%" PRIu32 ",\"op\":null,\"value\":null}",
                           key, key < KEYS ? store.versions[key] : 0);
        stub_answer(x, "200 OK", "X-DR-Region: truth\r\n", body, (size_t)len);
    } else {
        stub_close(x, true);
    }
}

static void strike_unshipped(int64_t after_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < store.logs[1].len; i++) {
        size_t entry = store.logs[1].at[i];
        if (store.journal->entries[entry].effect_ns <= after_ns)
            store.logs[1].at[kept++] = entry;
        else
            store.journal->entries[entry].copies[1] = 0;
    }
    store.logs[1].len = kept;
}

static void control_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    char word;
    if (recv(io->fd, &word, 1, MSG_DONTWAIT) != 1) {
        store.over = true;
        return;
    }
    store.journal->fault_before_ns = clock_mono_ns();
    if (store.lie == LIE_LAGGING)
        strike_unshipped(store.journal->fault_before_ns - store.lag_ns);
    store.journal->fault_after_ns = clock_mono_ns();
    if (send(io->fd, "", 1, MSG_NOSIGNAL) != 1)
        store.over = true;
}

static _Noreturn void server_main(const int listeners[WRITE_PORTS], int control)
{
    struct loop *l = loop_new(NULL);
    bool good = l != NULL;
    if (good)
        stub_init(&store.stub, l, CONNECTIONS);
    store.stub.accepted = accepted;
    store.stub.asked = asked;
    store.control.ready = control_ready;
    for (size_t i = 0; good && i < WRITE_PORTS; i++)
        good = stub_listen(&store.stub, &store.listeners[i], listeners[i]) == 0;
    if (good && loop_io_set(l, &store.control, control, EPOLLIN, NULL) == 0)
        loop_run(l, clock_mono_ns() + LIFETIME_NS, &store.over, NULL);
    _exit(0);
}

static void close_all(int fds[WRITE_PORTS])
{
    for (size_t i = 0; i < WRITE_PORTS; i++)
        fd_close(&fds[i]);
}

int write_server_start(struct write_server *s, uint8_t host, enum write_lie lie, int64_t lag_ns, struct err *e)
{
    int pair[2], listeners[WRITE_PORTS] = {-1, -1, -1};
    *s = (struct write_server){.control = -1, .process.pidfd = -1};
    snprintf(s->address, sizeof(s->address), "127.0.0.%u", (unsigned)host);
    for (size_t i = 0; i < WRITE_PORTS; i++) {
        if ((listeners[i] = stub_socket(s->address, &s->ports[i], e)) < 0) {
            close_all(listeners);
            return -1;
        }
    }
    s->journal = mmap(NULL, sizeof(*s->journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->journal == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        s->journal = s->journal == MAP_FAILED ? NULL : s->journal;
        close_all(listeners);
        return err_set(e, ERR_MACHINE, "selftest", "the self-test cannot talk to its server");
    }
    scoped_fd int ours = pair[0], theirs = pair[1];
    int side = child_fork(&s->process, e);
    if (side == 0) {
        fd_close(&ours);
        store.journal = s->journal;
        store.lie = lie;
        store.lag_ns = lag_ns;
        server_main(listeners, theirs);
    }
    close_all(listeners);
    s->control = side > 0 ? steal_fd(&ours) : -1;
    return side > 0 ? 0 : -1;
}

int write_server_fault(struct write_server *s, struct err *e)
{
    char done;
    struct pollfd p = {.fd = s->control, .events = POLLIN};
    if (send(s->control, "", 1, MSG_NOSIGNAL) != 1 || poll(&p, 1, 1000) != 1 || recv(s->control, &done, 1, 0) != 1)
        return err_set(e, ERR_RUN, "selftest", "the scripted store did not answer within 1 s");
    return 0;
}

void write_server_stop(struct write_server *s)
{
    fd_close(&s->control);
    if (s->process.pid)
        child_stop(&s->process, 0, NULL);
    if (s->journal)
        munmap(s->journal, sizeof(*s->journal));
    s->journal = NULL;
}
