/* SPDX-License-Identifier: MIT */
/*
 * The wire, measured from outside with datagrams of our own: what it adds when it does nothing, and each effect against
 * what was asked for. Counts must lie in the exact 99.99 % interval; times are medians, and what this machine is late
 * by itself at that moment is measured beside them and allowed for.
 */
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/netns.h"
#include "harness/lab/shape.h"
#include "injectors/binomial.h"
#include "tests/live/lab_stage.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CONFIDENCE 0.9999
enum { PINGS = 41, MANY = 10000, WIRED = 0, PLAIN = 1, SPACE = 64 };

/* Two regions; the first link is wired, the others stay what they are. */
static struct lab *open_wired(struct stage *s)
{
    static unsigned effects[16];
    stage_topology(&s->topo, 2, 1);
    effects[WIRED] = 1u << EFFECT_DEGRADE | 1u << EFFECT_FILTER;
    s->options.link_effects = effects;
    s->options.forced[EFFECT_DEGRADE] = s->options.forced[EFFECT_FILTER] = "wire";
    struct lab *lab = NULL;
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    return lab;
}

static void drive(struct stage *s, struct lab *lab, uint16_t path, struct path_state wanted)
{
    struct path_state got;
    if (lab_netns.path_set(lab, path, &wanted, &s->err) != 0 || lab_netns.path_get(lab, path, &got, &s->err) != 0) {
        stage_give_up(s, "driving a path");
    }
    CHECK(shape_same(&got, &wanted));
}

static struct wire_counts counts_of(struct stage *s, struct lab *lab)
{
    struct wire_counts c = {0};
    if (lab_netns.carriage(lab, &c, &s->err) != 0) {
        stage_give_up(s, "asking the wire");
    }
    return c;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *of, size_t n)
{
    qsort(of, n, sizeof(*of), by_size);
    return of[n / 2];
}

struct channel {
    int out, in;
};

static struct channel channel_open(struct stage *s, struct lab *lab, uint16_t path)
{
    struct channel c;
    int room = 1 << 20;
    if (lab_netns.path_sockets(lab, path, 0, &c.out, &c.in, &s->err) != 0) {
        stage_give_up(s, "placing sockets");
    }
    setsockopt(c.in, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    return c;
}

static void channel_close(struct channel *c)
{
    fd_close(&c->out);
    fd_close(&c->in);
}

/* Send one datagram and wait for it; false when it did not come within a second. */
static bool pass(const struct channel *c)
{
    struct pollfd p = {.fd = c->in, .events = POLLIN};
    char byte = 'p';
    return send(c->out, &byte, 1, 0) == 1 && poll(&p, 1, 1000) == 1 && recv(c->in, &byte, 1, 0) == 1;
}

struct round_trip {
    int64_t median_ns;
    int64_t late_ns; /* how late this machine woke us from a wait of two milliseconds meanwhile, median */
};

static struct round_trip ping(struct stage *s, struct lab *lab, uint16_t link)
{
    struct channel there = channel_open(s, lab, path_of(link, false)), back = channel_open(s, lab, path_of(link, true));
    int64_t took[PINGS], late[PINGS];
    for (int i = 0; i < PINGS; i++) {
        int64_t before = clock_mono_ns();
        stage_pass_ms(2);
        int64_t begin = clock_mono_ns();
        CHECK(pass(&there) && pass(&back));
        took[i] = clock_mono_ns() - begin;
        late[i] = begin - before - 2 * NS_PER_MS;
    }
    channel_close(&there);
    channel_close(&back);
    return (struct round_trip){median(took, PINGS), median(late, PINGS)};
}

static void neutral(struct stage *s)
{
    struct lab *lab = open_wired(s);
    CHECK(strcmp(lab_netns.mechanism(lab, EFFECT_DEGRADE).name, "wire") == 0);
    struct round_trip wired = ping(s, lab, WIRED), plain = ping(s, lab, PLAIN);
    struct wire_counts c = counts_of(s, lab);
    printf("round trip by the wire %.1f us, without it %.1f us\n", (double)wired.median_ns / 1e3,
           (double)plain.median_ns / 1e3);
    CHECK(c.came == 2 * PINGS && c.left == c.came && c.overflow == 0);
    lab_netns.close(lab);
}

static void delays(struct stage *s)
{
    struct lab *lab = open_wired(s);
    struct round_trip before = ping(s, lab, WIRED);
    drive(s, lab, path_of(WIRED, false), (struct path_state){.delay_ns = 50 * NS_PER_MS});
    struct round_trip slow = ping(s, lab, WIRED);
    drive(s, lab, path_of(WIRED, false), (struct path_state){0});
    struct round_trip after = ping(s, lab, WIRED);
    int64_t off = slow.median_ns - before.median_ns - 50 * NS_PER_MS, late = slow.late_ns + before.late_ns;
    printf("50 ms asked for, %.3f ms more measured; this machine is %.3f ms late\n",
           (double)(off + 50 * NS_PER_MS) / 1e6, (double)late / 1e6);
    CHECK(llabs(off) <= NS_PER_MS + late);
    CHECK(after.median_ns <= before.median_ns + NS_PER_MS + late);
    lab_netns.close(lab);
}

/* What came of MANY datagrams, numbered, sent in small groups. */
struct tally {
    int sent, came, twice, overtaken;
    int64_t first_ns, last_ns;
    int64_t looked_ns, blind_ns; /* the longest between two looks */
    unsigned char seen[MANY];
};

static void collect(const struct channel *c, struct tally *t, int *newest)
{
    int64_t now = clock_mono_ns();
    t->blind_ns = now - t->looked_ns > t->blind_ns ? now - t->looked_ns : t->blind_ns;
    t->looked_ns = now;
    unsigned char bytes[SPACE];
    uint32_t number;
    while (recv(c->in, bytes, sizeof(bytes), MSG_DONTWAIT) == SPACE) {
        memcpy(&number, bytes, sizeof(number));
        if (number >= MANY) {
            continue;
        }
        t->last_ns = clock_mono_ns();
        t->came += t->seen[number] == 0;
        t->twice += t->seen[number] == 1;
        t->seen[number]++;
        t->overtaken += (int)number < *newest;
        *newest = (int)number > *newest ? (int)number : *newest;
    }
}

static void send_many(struct stage *s, struct lab *lab, uint16_t path, int n, int linger_ms, struct tally *t)
{
    struct channel c = channel_open(s, lab, path);
    unsigned char bytes[SPACE] = {0};
    int newest = -1;
    int64_t begin = clock_mono_ns();
    *t = (struct tally){.first_ns = begin, .looked_ns = begin};
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        memcpy(bytes, &i, sizeof(i));
        t->sent += send(c.out, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes);
        if (i % 20 == 19) {
            stage_pass_ms(2);
            collect(&c, t, &newest);
        }
    }
    for (int64_t until = clock_mono_ns() + linger_ms * NS_PER_MS; clock_mono_ns() < until;) {
        stage_pass_ms(2);
        collect(&c, t, &newest);
    }
    channel_close(&c);
}

static void expect_share(const char *what, int k, int n, double p)
{
    printf("%s: %d of %d, %g %% asked for\n", what, k, n, 100 * p);
    CHECK(binomial_plausible((uint64_t)k, (uint64_t)n, p, CONFIDENCE));
}

static void loses(struct stage *s)
{
    struct lab *lab = open_wired(s);
    static struct tally t, back;
    drive(s, lab, 0, (struct path_state){.loss_ppm = 30000});
    send_many(s, lab, 0, MANY, 50, &t);
    send_many(s, lab, 1, MANY / 10, 50, &back);
    expect_share("lost", t.sent - t.came, t.sent, 0.03);
    CHECK(t.sent == MANY && back.came == MANY / 10);
    CHECK(counts_of(s, lab).lost == (uint64_t)(t.sent - t.came));
    drive(s, lab, 0, (struct path_state){0});
    send_many(s, lab, 0, MANY / 10, 50, &t);
    CHECK(t.came == MANY / 10);
    lab_netns.close(lab);
}

static void duplicates_and_corrupts(struct stage *s)
{
    struct lab *lab = open_wired(s);
    static struct tally t;
    drive(s, lab, 0, (struct path_state){.duplicate_ppm = 50000});
    send_many(s, lab, 0, MANY, 50, &t);
    CHECK(t.came == MANY);
    expect_share("twice", t.twice, t.came, 0.05);
    drive(s, lab, 0, (struct path_state){.corrupt_ppm = 50000});
    send_many(s, lab, 0, MANY, 50, &t);
    expect_share("corrupt, refused by the checksum", t.sent - t.came, t.sent, 0.05);
    CHECK(counts_of(s, lab).corrupted == (uint64_t)(t.sent - t.came));
    lab_netns.close(lab);
}

static void reorders(struct stage *s)
{
    struct lab *lab = open_wired(s);
    static struct tally t;
    drive(s, lab, 0, (struct path_state){.delay_ns = 20 * NS_PER_MS, .reorder_ppm = 50000});
    send_many(s, lab, 0, MANY, 100, &t);
    struct wire_counts c = counts_of(s, lab);
    CHECK(t.came == MANY && t.overtaken > 0);
    expect_share("early", (int)c.early, MANY, 0.05);
    lab_netns.close(lab);
}

/* A pipe of 1 mbit: a burst drains in the time that its bits take, later only by what the wire itself says it was late,
 * and by how late we look. */
static void narrows(struct stage *s)
{
    struct lab *lab = open_wired(s);
    static struct tally t;
    enum { BURST = 400 };
    const int64_t rate = 1000000, frame = SPACE + 28 + 14; /* as the wire sees it: with IP, UDP and Ethernet */
    drive(s, lab, 0, (struct path_state){.rate_bps = rate});
    send_many(s, lab, 0, BURST, 600, &t);
    double asked = (double)(BURST * frame * 8) / (double)rate, took = (double)(t.last_ns - t.first_ns) / 1e9;
    double late = (double)(counts_of(s, lab).late_max_ns + t.blind_ns) / 1e9;
    printf("%d datagrams at 1 mbit: %.3f s, computed %.3f s, %.3f s late\n", BURST, took, asked, late);
    CHECK(t.came == BURST && took >= 0.98 * asked && took <= 1.02 * asked + late);
    CHECK(t.overtaken == 0);
    lab_netns.close(lab);
}

/* A short queue in front of a narrow place, asked for: what it turns away is no overflow. */
static void limits(struct stage *s)
{
    struct lab *lab = open_wired(s);
    static struct tally t;
    drive(s, lab, 0, (struct path_state){.rate_bps = 1000000, .limit_packets = 20});
    send_many(s, lab, 0, 1000, 300, &t);
    struct wire_counts c = counts_of(s, lab);
    CHECK(c.waiting_max == 20 && c.limited > 0 && c.overflow == 0);
    CHECK(c.limited == (uint64_t)(t.sent - t.came));
    lab_netns.close(lab);
}

/* Losses in spells: as many as asked for in the long run, and the spells as long. */
static void bursts(struct stage *s)
{
    struct lab *lab = open_wired(s);
    static struct tally t;
    struct path_state shape = {.loss_ppm = 100000, .burst_milli = 4000, .burst_loss_ppm = 1000000};
    drive(s, lab, 0, shape);
    send_many(s, lab, 0, MANY, 50, &t);
    int spells = 0, lost = 0;
    for (int i = 0; i < MANY; i++) {
        lost += t.seen[i] == 0;
        spells += t.seen[i] == 0 && (i == 0 || t.seen[i - 1] > 0);
    }
    struct shape_chain c;
    CHECK(shape_chain(&shape, &c));
    printf("%d lost in %d spells of %.2f, 10 %% in spells of 4 asked for\n", lost, spells, (double)lost / spells);
    expect_share("spells begun", spells, t.came, c.begin);
    expect_share("spells ended", spells, lost, c.end);
    lab_netns.close(lab);
}

static void holes(struct stage *s)
{
    struct lab *lab = open_wired(s);
    static struct tally t;
    drive(s, lab, 0, (struct path_state){.mtu_bytes = SPACE + 28});
    send_many(s, lab, 0, 100, 20, &t);
    CHECK(t.came == 100);
    drive(s, lab, 0, (struct path_state){.mtu_bytes = SPACE + 27});
    send_many(s, lab, 0, 100, 20, &t);
    CHECK(t.came == 0);
    lab_netns.close(lab);
}

/* More than a path may hold, and nobody asked for a narrow one. */
static void overflows(struct stage *s)
{
    struct lab *lab = open_wired(s);
    drive(s, lab, 0, (struct path_state){.delay_ns = 60 * NS_PER_S});
    struct channel c = channel_open(s, lab, 0);
    uint64_t sent = 0;
    for (int i = 0; i < 51000; i++) {
        sent += send(c.out, "x", 1, 0) == 1;
        if (i % 64 == 63) {
            stage_pass_ms(1);
        }
    }
    struct wire_counts n = counts_of(s, lab);
    for (int i = 0; i < 400 && n.came < sent; i++) { /* what still lies in the ring */
        stage_pass_ms(5);
        n = counts_of(s, lab);
    }
    printf("%llu sent, %llu wait, %llu overflowed\n", (unsigned long long)sent, (unsigned long long)n.waiting,
           (unsigned long long)n.overflow);
    CHECK(n.waiting == 50000 && n.overflow == sent - n.waiting && n.limited == 0);
    channel_close(&c);
    lab_netns.close(lab);
}

static void cuts(struct stage *s)
{
    struct lab *lab = open_wired(s);
    const struct path_state slow = {.delay_ns = 5 * NS_PER_MS};
    struct path_state cut = slow;
    cut.cut = true;
    drive(s, lab, 0, slow);
    drive(s, lab, 0, cut);
    CHECK(stage_datagrams(lab, 0, 20) == 0);
    CHECK(stage_datagrams(lab, 1, 20) == 20);
    drive(s, lab, 0, slow);
    CHECK(stage_datagrams(lab, 0, 20) == 20);
    lab_netns.close(lab);
}

static void dies(struct stage *s)
{
    struct lab *lab = open_wired(s);
    struct path_state got;
    pid_t wire = wire_pid(netns_of(lab)->wire);
    CHECK(wire > 0 && lab_netns.carriage(lab, NULL, &s->err) == 0);
    CHECK(wire > 0 && kill(wire, SIGKILL) == 0);
    int64_t begin = clock_mono_ns();
    CHECK(lab_netns.path_get(lab, 0, &got, &s->err) == -1 && s->err.kind == ERR_RUN);
    CHECK(lab_netns.carriage(lab, NULL, &s->err) == -1);
    CHECK(clock_mono_ns() - begin < 2 * NS_PER_S);
    CHECK(lab_netns.path_get(lab, path_of(PLAIN, false), &got, &s->err) == 0);
    printf("of a dead wire: %s\n", s->err.msg);
    lab_netns.close(lab);
}

static pid_t frozen_wire;

static void kill_frozen_wire(int sig)
{
    (void)sig;
    (void)kill(frozen_wire, SIGKILL);
}

/* A question that the dying wire never read comes back as a reset connection, which is a death like any other. */
static void dies_unread(struct stage *s)
{
    struct lab *lab = open_wired(s);
    struct wire_counts n;
    const struct itimerval soon = {.it_value.tv_usec = 100000};
    frozen_wire = wire_pid(netns_of(lab)->wire);
    CHECK(frozen_wire > 0 && kill(frozen_wire, SIGSTOP) == 0);
    CHECK(signal(SIGALRM, kill_frozen_wire) != SIG_ERR && setitimer(ITIMER_REAL, &soon, NULL) == 0);
    int64_t begin = clock_mono_ns();
    CHECK(lab_netns.carriage(lab, &n, &s->err) == -1 && strstr(s->err.msg, "has died"));
    CHECK(clock_mono_ns() - begin < NS_PER_S);
    s->err = (struct err){0};
    CHECK(lab_netns.carriage(lab, &n, &s->err) == -1 && strstr(s->err.msg, "has died"));
    lab_netns.close(lab);
}

/* A wire that lives but does nothing costs one bounded wait, not one per question. */
static void hangs(struct stage *s)
{
    struct lab *lab = open_wired(s);
    struct path_state got;
    pid_t wire = wire_pid(netns_of(lab)->wire);
    CHECK(wire > 0 && kill(wire, SIGSTOP) == 0);
    int64_t begin = clock_mono_ns();
    for (int i = 0; i < 10; i++) {
        CHECK(lab_netns.path_get(lab, 0, &got, &s->err) == -1);
    }
    CHECK(clock_mono_ns() - begin < 3 * NS_PER_S);
    s->err = (struct err){0};
    CHECK(lab_netns.carriage(lab, NULL, &s->err) == -1 && strstr(s->err.msg, "does not answer"));
    lab_netns.close(lab);
}

/* Which of the first thousand datagrams are lost under a seed, in a lab of its own. */
static void pattern_of(struct stage *s, uint64_t seed, unsigned char seen[1000])
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    struct child c;
    s->options.seed = seed;
    if (child_fork(&c, &s->err) == 0) {
        static struct tally t;
        struct lab *lab = open_wired(s);
        drive(s, lab, 0, (struct path_state){.loss_ppm = 200000});
        send_many(s, lab, 0, 1000, 50, &t);
        lab_netns.close(lab);
        _exit(write(ends[1], t.seen, 1000) != 1000);
    }
    CHECK(read(ends[0], seen, 1000) == 1000);
    CHECK(child_wait(&c, 5 * NS_PER_S, &s->err) == 0);
}

static void replays(struct stage *s)
{
    unsigned char a[1000], b[1000], other[1000];
    pattern_of(s, 7, a);
    pattern_of(s, 7, b);
    pattern_of(s, 8, other);
    CHECK(memcmp(a, b, sizeof(a)) == 0);
    CHECK(memcmp(a, other, sizeof(a)) != 0);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"neutral", neutral},
                                      {"delay", delays},
                                      {"loss", loses},
                                      {"duplicates and corruption", duplicates_and_corrupts},
                                      {"reordering", reorders},
                                      {"a rate", narrows},
                                      {"a short queue", limits},
                                      {"losses in spells", bursts},
                                      {"long packets vanish", holes},
                                      {"an overflow", overflows},
                                      {"a cut on a wired link", cuts},
                                      {"a wire that dies", dies},
                                      {"a wire that dies with a question unread", dies_unread},
                                      {"a wire that hangs", hangs},
                                      {"the same seed again", replays}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
