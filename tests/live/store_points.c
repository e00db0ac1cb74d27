/* SPDX-License-Identifier: MIT */
/*
 * store_points DRGATEWAY sync|async POINTS [SEED [FLAW]]: the pair of stores, struck at random points while eight
 * clients write to both. ci/store-points runs it by the hundred.
 *
 * A point: both are in sync, some random number of writes has been acknowledged, and then, at that very moment, the
 * leader is killed, or the follower, or both, or the leader or the witness is frozen for a while that may be longer
 * than the lease. What was killed starts again after a random while. Then, with both in sync again:
 *
 *   - in sync mode every acknowledged write is in both stores; in any, each is there once, and none that was never sent
 *   - no epoch acknowledged when it was over: no acknowledgement comes for a write that was begun after one of a higher
 *     epoch had been seen, nor DELIVERY_MS later
 *
 * A flaw makes it fail, which shows that it can: sync with ack_before_replicate loses writes, async with no_fencing
 * acknowledges too late. (In sync mode the other store's refusal fences as well.)
 *
 * Clients and check are this process: an acknowledgement that the kernel still delivers after the death of its sender
 * counts.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPS_MAX 200000
#define WRITERS 8
#define PACE_MS 10
#define POINTS_PER_STAGE 10
#define PATIENCE_MS 15000
#define DELIVERY_MS 50 /* from a sender that is alive, on loopback, at the very most */

struct writer {
    enum stage_node store;
    int fd, op;        /* fd 0: none; op -1: nothing is asked */
    int64_t next_ms;   /* when to connect, or to write, again */
    int64_t epoch_then; /* highest epoch acknowledged anywhere when this write was begun */
    size_t len;
    char in[4096];
};

enum strike { KILL_LEADER, KILL_BOTH, FREEZE_LEADER, KILL_FOLLOWER, FREEZE_WITNESS, STRIKES };
static const char *const strike_names[] = {"kill the leader", "kill both", "freeze the leader", "kill the follower",
                                           "freeze the witness"};

static struct stage stage;
static struct writer writers[WRITERS];
static bool acked[OPS_MAX];
static int next_op, acks;
static int64_t highest_epoch, highest_since_ms;
static int64_t turn_ms; /* when it was seen what has come: later looks at the clock may be late themselves */
static bool in_sync_mode;

static void hang_up(struct writer *w)
{
    fd_close(&w->fd);
    w->fd = 0;
    w->op = -1;
    w->next_ms = now_ms() + PACE_MS;
}

static void dial(struct writer *w)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)stage_port(&stage, w->store))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(w->fd > 0);
    if (connect(w->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        hang_up(w);
}

static void begin_write(struct writer *w)
{
    char body[128], request[512];
    check(next_op < OPS_MAX);
    w->op = next_op++;
    w->len = 0;
    w->epoch_then = highest_epoch;
    int len = snprintf(body, sizeof(body), "{\"op\":\"p-%d\",\"key\":\"k%d\",\"value\":\"00000000000000aa\"}", w->op,
                       w->op % 16);
    len = snprintf(request, sizeof(request),
                   "POST /v1/orders HTTP/1.1\r\nHost: test\r\nIdempotency-Key: run/p-%d\r\n"
                   "Content-Length: %d\r\n\r\n%s",
                   w->op, len, body);
    if (send(w->fd, request, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) != len)
        hang_up(w);
}

static void note_answer(struct writer *w)
{
    const char *epoch = strstr(w->in, "\r\nX-DR-Epoch: ");
    if (strncmp(w->in, "HTTP/1.1 200", 12) == 0) {
        check(epoch != NULL);
        int64_t e = atoll(epoch + 14);
        check(e >= w->epoch_then && "what is begun in an epoch is not acknowledged by one before it");
        check((e >= highest_epoch || turn_ms < highest_since_ms + DELIVERY_MS) &&
              "an epoch that is over acknowledges nothing");
        if (e > highest_epoch) {
            highest_epoch = e;
            highest_since_ms = turn_ms;
        }
        acked[w->op] = true;
        acks++;
    }
    w->op = -1;
    w->next_ms = now_ms() + PACE_MS;
}

static void take_bytes(struct writer *w)
{
    ssize_t n = recv(w->fd, w->in + w->len, sizeof(w->in) - 1 - w->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        hang_up(w);
        return;
    }
    w->len += (size_t)n;
    w->in[w->len] = '\0';
    const char *end = strstr(w->in, "\r\n\r\n"), *length = strcasestr(w->in, "\r\ncontent-length: ");
    if (end != NULL && length != NULL && w->len >= (size_t)(end + 4 - w->in) + (size_t)atoi(length + 18))
        note_answer(w);
}

/* The clients at work until `wanted` more acknowledgements, for limit_ms at most. */
static void work(int wanted, int64_t limit_ms)
{
    int64_t end = now_ms() + limit_ms;
    for (int until = acks + wanted; acks < until && now_ms() < end;) {
        struct pollfd p[WRITERS];
        for (int i = 0; i < WRITERS; i++) {
            struct writer *w = &writers[i];
            if (w->fd == 0 && now_ms() >= w->next_ms)
                dial(w);
            else if (w->fd > 0 && w->op < 0 && now_ms() >= w->next_ms)
                begin_write(w);
            p[i] = (struct pollfd){w->fd > 0 ? w->fd : -1, POLLIN, 0};
        }
        int ready = poll(p, WRITERS, 1);
        turn_ms = now_ms();
        if (ready <= 0)
            continue;
        for (int i = 0; i < WRITERS; i++) {
            if (p[i].revents != 0)
                take_bytes(&writers[i]);
        }
    }
}

/* What is under way is answered or fails; then nobody asks any more. */
static void rest(void)
{
    for (int i = 0; i < WRITERS; i++)
        writers[i].next_ms = INT64_MAX;
    work(OPS_MAX, 300);
    for (int i = 0; i < WRITERS; i++) {
        if (writers[i].fd > 0)
            hang_up(&writers[i]);
        writers[i].next_ms = 0;
    }
}

static int64_t some_ms(int64_t least, int64_t most)
{
    return least + (int64_t)rng_below(&stage.rng, (uint64_t)(most - least + 1));
}

static enum stage_node leader(void)
{
    for (int64_t end = now_ms() + PATIENCE_MS;; pause_ms(5)) {
        if (leads(&stage, STORE_US))
            return STORE_US;
        if (leads(&stage, STORE_EU))
            return STORE_EU;
        check(now_ms() < end && "somebody leads in time");
    }
}

static void kill_for_a_while(bool us, bool eu)
{
    if (us)
        stage_kill(&stage, STORE_US);
    if (eu)
        stage_kill(&stage, STORE_EU);
    work(OPS_MAX, some_ms(20, 900));
    if (us)
        stage_start(&stage, STORE_US);
    if (eu)
        stage_start(&stage, STORE_EU);
}

static void freeze_for_a_while(enum stage_node n)
{
    stage_signal(&stage, n, SIGSTOP);
    work(OPS_MAX, some_ms(50, 1300));
    stage_signal(&stage, n, SIGCONT);
}

static void strike(enum strike how, enum stage_node first)
{
    switch (how) {
    case KILL_LEADER:
        kill_for_a_while(first == STORE_US, first == STORE_EU);
        break;
    case KILL_FOLLOWER:
        kill_for_a_while(first != STORE_US, first != STORE_EU);
        break;
    case KILL_BOTH:
        kill_for_a_while(true, true);
        break;
    case FREEZE_LEADER:
        freeze_for_a_while(first);
        break;
    case FREEZE_WITNESS:
        freeze_for_a_while(WITNESS);
        break;
    case STRIKES:
        break;
    }
}

/* Every acknowledged write is there, once; what is there was sent. */
static void audit(enum stage_node n)
{
    static int seen[OPS_MAX];
    memset(seen, 0, sizeof(seen));
    scoped_json json_t *ops = all_ops(&stage, n);
    for (size_t i = 0; i < json_array_size(ops); i++) {
        int op = atoi(json_string_value(json_array_get(json_array_get(ops, i), 0)) + 2);
        check(op >= 0 && op < next_op);
        check(++seen[op] == 1);
    }
    int lost = 0;
    for (int op = 0; op < next_op; op++)
        lost += acked[op] && seen[op] == 0;
    if (in_sync_mode && lost > 0)
        (void)fprintf(stderr, "%d acknowledged writes are lost\n", lost);
    check(lost == 0 || !in_sync_mode);
}

static void point(int number, enum strike how)
{
    wait_in_sync(&stage, PATIENCE_MS);
    enum stage_node first = leader();
    int before = acks;
    work((int)some_ms(1, 40), PATIENCE_MS);
    check(acks > before && "writes are acknowledged before the point");
    strike(how, first);
    work(OPS_MAX, some_ms(0, 400));
    rest();
    wait_in_sync(&stage, PATIENCE_MS);
    audit(STORE_US);
    audit(STORE_EU);
    (void)printf("%3d  %-18s  %d written, %d acknowledged, epoch %lld\n", number, strike_names[how], next_op, acks,
                 (long long)highest_epoch);
    (void)fflush(stdout);
}

static void begin_stage(const char *binary, const char *seed, const char *flaw)
{
    stage_open(&stage, binary, (struct stage_wish){.sync = in_sync_mode, .every_ms = 50, .flaw = flaw});
    if (seed != NULL)
        rng_init(&stage.rng, (uint64_t)strtoull(seed, NULL, 10), "tests/live/store_points");
    memset(acked, 0, sizeof(acked));
    next_op = acks = 0;
    highest_epoch = 0;
    for (int i = 0; i < WRITERS; i++)
        writers[i] = (struct writer){.store = i % 2 ? STORE_EU : STORE_US, .op = -1};
}

int main(int argc, char **argv)
{
    int points = argc >= 4 ? atoi(argv[3]) : 0, all = 0;
    if (points < 1 || argc > 6 || (strcmp(argv[2], "sync") != 0 && strcmp(argv[2], "async") != 0)) {
        (void)fprintf(stderr, "usage: store_points DRGATEWAY sync|async POINTS [SEED [FLAW]]\n");
        return 2;
    }
    in_sync_mode = strcmp(argv[2], "sync") == 0;
    for (int i = 0; i < points; i++) {
        if (i % POINTS_PER_STAGE == 0)
            begin_stage(argv[1], argc >= 5 ? argv[4] : NULL, argc == 6 ? argv[5] : NULL);
        point(i + 1, (enum strike)(i < STRIKES ? i : (int)rng_below(&stage.rng, STRIKES)));
        if (i % POINTS_PER_STAGE == POINTS_PER_STAGE - 1 || i == points - 1) {
            all += acks;
            stage_close(&stage);
        }
    }
    (void)printf("%d points, %d acknowledged writes, %snone acknowledged by an epoch that was over\n", points, all,
                 in_sync_mode ? "none lost, " : "");
    return 0;
}
