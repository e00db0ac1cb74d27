/* SPDX-License-Identifier: MIT */
#include "tests/live/lab_stage.h"

#include "harness/base/arena.h"
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDINARY 65534 /* nobody */
#define SKIPPED 77

static int failures;
static struct arena memory;

void stage_check(bool right, const char *what, const char *file, int line)
{
    if (!right) {
        failures++;
        printf("%s:%d: not so: %s\n", file, line, what);
    }
}

_Noreturn void stage_give_up(struct stage *s, const char *doing)
{
    printf("%s: %s: %s (%s)\n", doing, s->err.at, s->err.msg, s->err.help);
    fflush(stdout);
    _exit(1);
}

_Noreturn void stage_untold(const char *why)
{
    printf("skipped: %s\n", why);
    fflush(stdout);
    _exit(failures > 0 ? 1 : SKIPPED);
}

static void add_node(struct topology *t, uint16_t site, enum node_role role, uint16_t number, const char *name)
{
    struct topo_node *n = &t->nodes[t->node_count++];
    struct topo_site *s = &t->sites[site];
    *n = (struct topo_node){.name = name, .role = role, .site = site, .number = number};
    snprintf(n->address, sizeof(n->address), "10.%u.%u.2", (site + 1u) % 250, (s->node_count + 1u) % 250);
    s->node_count++;
    s->gateways = (uint16_t)(s->gateways + (role == NODE_GATEWAY));
    s->origins = (uint16_t)(s->origins + (role == NODE_ORIGIN));
}

static void add_site(struct topology *t, enum site_kind kind, const char *name, uint16_t home)
{
    struct topo_site *s = &t->sites[t->site_count++];
    *s = (struct topo_site){.name = name, .kind = kind, .home = home, .first_node = (uint16_t)t->node_count};
    s->role = home == 0 ? REGION_PRIMARY : REGION_STANDBY;
}

static void add_link(struct topology *t, uint16_t a, uint16_t b)
{
    t->links[t->link_count++] = (struct topo_link){.a = a, .b = b};
}

void stage_topology(struct topology *t, uint16_t regions, uint16_t gateways)
{
    static const char *const names[] = {"us-east", "eu-west", "ap-south", "sa-east"};
    *t = (struct topology){.name = "stage"};
    size_t sites = 2u * regions + 1u;
    t->sites = arena_array(&memory, struct topo_site, sites);
    t->nodes = arena_array(&memory, struct topo_node, (size_t)regions * (gateways + 2u) + 1);
    t->links = arena_array(&memory, struct topo_link, sites * sites);
    for (uint16_t r = 0; r < regions; r++) {
        add_site(t, SITE_REGION, names[r], r);
        for (uint16_t g = 1; g <= gateways; g++) {
            add_node(t, r, NODE_GATEWAY, g, arena_printf(&memory, "%s/%u", names[r], g));
        }
        add_node(t, r, NODE_ORIGIN, 1, arena_printf(&memory, "%s/origin-1", names[r]));
    }
    for (uint16_t r = 0; r < regions; r++) {
        const char *name = arena_printf(&memory, "clients-%s", names[r]);
        add_site(t, SITE_VANTAGE, name, r);
        add_node(t, (uint16_t)(regions + r), NODE_CLIENT, 1, arena_printf(&memory, "%s/1", name));
    }
    uint16_t witness = (uint16_t)(2 * regions);
    add_site(t, SITE_WITNESS, "witness", 0);
    add_node(t, witness, NODE_WITNESS, 1, "witness/1");
    for (uint16_t a = 0; a < regions; a++) {
        for (uint16_t b = (uint16_t)(a + 1); b < regions; b++) {
            add_link(t, a, b);
        }
        for (uint16_t v = 0; v < regions; v++) {
            add_link(t, a, (uint16_t)(regions + v));
        }
        add_link(t, a, witness);
    }
    t->failover = (struct topo_failover){.probe_every_ns = 200 * NS_PER_MS,
                                         .probe_timeout_ns = 200 * NS_PER_MS,
                                         .unhealthy_after = 3,
                                         .healthy_after = 4,
                                         .dns_ttl_ns = NS_PER_S};
    t->replication.every_ns = 200 * NS_PER_MS;
    t->balancing = (struct topo_balancing){.eject_after = 5, .retries = 2};
    t->alerts = (struct topo_alerts){.window_ns = 500 * NS_PER_MS,
                                     .after = 3,
                                     .slow_ppm = 1200000,
                                     .slow_least_ns = 50 * NS_PER_MS,
                                     .errors_ppm = 10000,
                                     .traffic_ppm = 2000000,
                                     .rules = 1u << TOPO_ALERT_SLOW | 1u << TOPO_ALERT_ERRORS |
                                              1u << TOPO_ALERT_TRAFFIC};
}

uint16_t stage_client(const struct topology *t, uint16_t vantage)
{
    return t->sites[t->site_count / 2 + vantage].first_node;
}

struct answered {
    int status;
    bool done;
};

static void take_answer(void *arg, const struct lab_answer *a)
{
    struct answered *to = arg;
    to->status = a->status;
    to->done = true;
}

enum knock stage_knock(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns)
{
    struct answered got = {0};
    struct err e = {0};
    if (lab->ops->knock(lab, from, to, "/healthz", timeout_ns, take_answer, &got, &e) != 0) {
        printf("knock: %s\n", e.msg);
        return KNOCK_SILENT;
    }
    loop_run(lab->ops->loop(lab), clock_mono_ns() + timeout_ns + NS_PER_S, &got.done, &e);
    CHECK(got.done);
    return (enum knock)got.status;
}

void stage_pass_ms(int ms)
{
    poll(NULL, 0, ms);
}

int stage_datagrams(struct lab *lab, uint16_t path, int n)
{
    struct err e = {0};
    int out = -1, in = -1, arrived = 0;
    if (lab->ops->path_sockets(lab, path, 0, &out, &in, &e) != 0) {
        printf("sockets: %s: %s\n", e.at, e.msg);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        char byte = 'x';
        if (send(out, &byte, 1, 0) == 1) {
            stage_pass_ms(2);
        }
        arrived += recv(in, &byte, 1, MSG_DONTWAIT) == 1;
    }
    stage_pass_ms(20);
    for (char byte; recv(in, &byte, 1, MSG_DONTWAIT) == 1;) {
        arrived++;
    }
    fd_close(&out);
    fd_close(&in);
    return arrived;
}

struct lab *stage_open(struct stage *s)
{
    struct lab *lab = NULL;
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    for (uint16_t n = 0; n < s->topo.node_count; n++) {
        if (lab_netns.node_start(lab, n, false, &s->err) != 0) {
            stage_give_up(s, "starting a node");
        }
    }
    for (uint16_t n = 0; n < s->topo.node_count; n++) {
        bool serves = s->topo.nodes[n].role != NODE_CLIENT;
        for (int i = 0; serves && i < 100 && stage_knock(lab, n, n, NS_PER_S) != KNOCK_ANSWERED; i++) {
            stage_pass_ms(10);
        }
    }
    return lab;
}

static void forget_folder(const char *path)
{
    const char *const argv[] = {"/bin/rm", "-rf", path, NULL};
    struct child c;
    if (child_exec(&c, argv, NULL, -1, NULL, NULL, NULL) == 0) {
        child_wait(&c, 10 * NS_PER_S, NULL);
    }
}

/* 0, 1 or SKIPPED. */
static int play(const struct act *act, const struct stage *given)
{
    fflush(stdout);
    struct child c;
    int side = child_fork(&c, NULL);
    if (side == 0) {
        struct stage s = *given;
        act->play(&s);
        fflush(stdout);
        _exit(failures > 0);
    }
    if (side < 0 || child_wait(&c, 50 * NS_PER_S * stage_slow(), NULL) != 0) {
        printf("%s: did not end in time\n", act->name);
        child_stop(&c, 0, NULL);
        return 1;
    }
    int code = WIFEXITED(c.status) ? WEXITSTATUS(c.status) : 1;
    if (WIFSIGNALED(c.status)) {
        printf("%s: ended by signal %d\n", act->name, WTERMSIG(c.status));
    }
    printf("%-6s %s\n", code == 0 ? "ok" : code == SKIPPED ? "untold" : "FAILED", act->name);
    return code == SKIPPED ? SKIPPED : code != 0;
}

static int become_ordinary(void)
{
    if (geteuid() != 0) {
        return 0;
    }
    return setgroups(0, NULL) != 0 || setgid(ORDINARY) != 0 || setuid(ORDINARY) != 0 ? -1 : 0;
}

static const char *scratch_folder(void)
{
    const char *named = getenv("TMPDIR");
    return named && *named == '/' && strlen(named) <= 40 ? named : "/tmp";
}

/* The checkout may stand in a folder that an ordinary user cannot enter: a copy of the node program that he can. */
static int lend_program(const char *from, char *copy)
{
    char buffer[65536];
    scoped_fd int in = open(from, O_RDONLY | O_CLOEXEC), out = mkstemp(copy);
    ssize_t n = in < 0 || out < 0 ? -1 : 1;
    while (n > 0 && (n = read(in, buffer, sizeof(buffer))) > 0) {
        n = write(out, buffer, (size_t)n) == n ? n : -1;
    }
    return n < 0 || fchmod(out, 0755) != 0 || (geteuid() == 0 && fchown(out, ORDINARY, ORDINARY) != 0) ? -1 : 0;
}

/* Start again as an ordinary user: a new program, so that /proc/self belongs to him. */
static int start_again(char **argv)
{
    char copy[80];
    snprintf(copy, sizeof(copy), "%.40s/drtest-live-node-XXXXXX", scratch_folder());
    char *again[] = {argv[0], copy, argv[2], argv[2], NULL};
    if (lend_program(argv[1], copy) != 0 || become_ordinary() != 0) {
        perror("cannot become an ordinary user");
        return 1;
    }
    execv("/proc/self/exe", again);
    return 1;
}

int stage_slow(void)
{
    const char *word = getenv("DRTEST_SLOW");
    int factor = word ? atoi(word) : 1;
    return factor >= 1 && factor <= 100 ? factor : 1;
}

static enum lab_effect needed = EFFECT_KILL; /* which every lab can do */

void stage_need(enum lab_effect effect)
{
    needed = effect;
}

/* DRTEST_EXPECT_CAPS: words that some mechanism must be named by, such as
 * `netem`; else the tests would pass by skipping. */
static bool lacks_expected(const struct lab_caps *caps)
{
    const char *word = getenv("DRTEST_EXPECT_CAPS");
    bool there = !word || !*word;
    for (int i = 0; i < LAB_EFFECTS && !there; i++) {
        there = caps->effects[i].name && strcmp(caps->effects[i].name, word) == 0;
    }
    if (!there) {
        printf("FAILED: expected here: %s; degrade: %s\n", word, caps->effects[EFFECT_DEGRADE].why);
    }
    return !there;
}

/* All of them, or those that DRTEST_ACTS names, with commas between. */
static bool chosen(const struct act *a)
{
    const char *list = getenv("DRTEST_ACTS");
    size_t len = strlen(a->name);
    for (const char *at = list; at && (at = strstr(at, a->name)) != NULL; at += len) {
        if ((at == list || at[-1] == ',') && (at[len] == '\0' || at[len] == ',')) {
            return true;
        }
    }
    return list == NULL;
}

static int stage_acts(const char *program, const struct act *acts, size_t n)
{
    struct lab_caps caps;
    struct err e = {0};
    bool usable = lab_caps_probe(&caps, &e) == 0 && caps.usable;
    if (lacks_expected(&caps)) {
        return 1;
    }
    const char *expected = getenv("DRTEST_EXPECT_CAPS");
    bool must = expected && *expected; /* the kernel was chosen for these tests: what it cannot do is a failure */
    if (!usable) {
        printf("%s: %s; %s\n", must ? "FAILED" : "skipped", e.kind ? e.msg : caps.reason, caps.remedy);
        return must ? 1 : SKIPPED;
    }
    if (!caps.effects[needed].available) {
        printf("%s: %s cannot be done here: %s\n", must ? "FAILED" : "skipped", lab_effect_words[needed],
               caps.effects[needed].why);
        return must ? 1 : SKIPPED;
    }
    struct stage s = {.options = {.gateway_path = program, .seed = 1}};
    snprintf(s.run_path, sizeof(s.run_path), "%.40s/drtest-live-XXXXXX", scratch_folder());
    if (!mkdtemp(s.run_path)) {
        perror("mkdtemp");
        return 1;
    }
    s.options.run_path = s.run_path;
    s.options.zero_ns = clock_mono_ns();
    bool failed = false, untold = false;
    for (size_t i = 0; i < n; i++) {
        int code = chosen(&acts[i]) ? play(&acts[i], &s) : 0;
        failed |= code == 1;
        untold |= code == SKIPPED;
    }
    forget_folder(s.run_path);
    arena_deinit(&memory);
    return failed ? 1 : untold ? SKIPPED : 0;
}

int stage_main(int argc, char **argv, const struct act *acts, size_t n)
{
    bool rootless = argc > 2 && strcmp(argv[2], "rootless") == 0;
    if (argc < 2 || (!rootless && geteuid() != 0)) {
        printf("skipped: %s\n", argc < 2 ? "the program for the nodes is not named" : "this part needs root");
        return SKIPPED;
    }
    if (rootless && argc == 3) {
        return start_again(argv);
    }
    int result = stage_acts(argv[1], acts, n);
    if (rootless) {
        unlink(argv[1]);
    }
    return result;
}
