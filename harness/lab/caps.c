/* SPDX-License-Identifier: MIT */
/*
 * The trial: a veth pair, netem, a token bucket and a filter each added to one end and read back, a black hole rule
 * added, read back and deleted, a connection ended from outside, a frame sent out by one end of the pair and met at the
 * other by the wire's packet sockets. A kernel that acknowledges and does something else fails the trial as one that
 * refuses.
 *
 * lab_caps_probe makes the trial in a throwaway child in namespaces of its own, so that the asking process stays what
 * it was; the child answers through a pipe within five seconds or counts as "cannot". The netns lab makes the same
 * trial in a namespace that it leaves at once, since its own rights may differ from those of the probe.
 */
#include "harness/lab/caps.h"

#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/cell.h"
#include "harness/lab/gdnsd.h"
#include "harness/lab/nl.h"
#include "harness/lab/shape.h"
#include "harness/lab/wire_ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_BOUND_NS (5 * NS_PER_S)
#define FRAME_BOUND_MS 20
#define FRAMES_MAX 50

enum { INDEX_LOOPBACK = 1, INDEX_A = 2, INDEX_B = 3 };

static int make_pair(struct netlink *nl, struct err *e)
{
    scoped_fd int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (here < 0) {
        return err_os(e, ERR_MACHINE, errno, "/proc/thread-self/ns/net", "cannot open it");
    }
    struct netlink_end a = {.netns_fd = here, .index = INDEX_A, .name = "dr-a", .mac = {2, 0xD7, 0, 0, 0, 1}};
    struct netlink_end b = {.netns_fd = here, .index = INDEX_B, .name = "dr-b", .mac = {2, 0xD7, 0, 0, 0, 2}};
    netlink_veth(nl, &a, &b);
    return netlink_flush(nl, e);
}

static bool try_netem(struct netlink *nl, char why[160])
{
    struct err e = {0};
    const struct path_state asked = {.delay_ns = 3 * NS_PER_MS, .loss_ppm = 10000}, none = {0};
    struct path_state got = {0}, healed = {0};
    if (netlink_netem_set(nl, INDEX_A, &none, true, &e) != 0) {
        snprintf(why, 160, "the kernel has no sch_netem (%.80s)", e.msg);
        return false;
    }
    if (netlink_netem_set(nl, INDEX_A, &asked, false, &e) != 0 || netlink_netem_get(nl, INDEX_A, &got, &e) != 0 ||
        netlink_netem_set(nl, INDEX_A, &none, false, &e) != 0 || netlink_netem_get(nl, INDEX_A, &healed, &e) != 0) {
        snprintf(why, 160, "netem cannot be changed and read back (%.80s)", e.msg);
        return false;
    }
    bool right = got.delay_ns == asked.delay_ns && got.loss_ppm == asked.loss_ppm && healed.delay_ns == 0 &&
                 healed.loss_ppm == 0;
    snprintf(why, 160, right ? "netem on a link of its own, changed and read back"
                             : "netem reads back something else than was asked for");
    return right;
}

static bool try_tbf(struct netlink *nl, char why[160])
{
    struct err e = {0};
    int64_t rate = 0;
    if (netlink_tbf_set(nl, INDEX_B, 0, true, &e) != 0 || netlink_tbf_set(nl, INDEX_B, 8000000, false, &e) != 0 ||
        netlink_tbf_get(nl, INDEX_B, &rate, &e) != 0) {
        snprintf(why, 160, "the kernel has no sch_tbf (%.80s)", e.msg);
        return false;
    }
    snprintf(why, 160, rate == 8000000 ? "a token bucket on a link of its own, changed and read back"
                                       : "a token bucket reads back another rate");
    return rate == 8000000;
}

static bool try_filter(struct netlink *nl)
{
    const struct path_state none = {0}, asked = {.block_new = true, .mtu_bytes = 1000};
    struct path_state got = {0}, healed = {0};
    return netlink_filter_set(nl, INDEX_B, &none, true, NULL) == 0 &&
           netlink_filter_set(nl, INDEX_B, &asked, false, NULL) == 0 &&
           netlink_filter_get(nl, INDEX_B, &got, NULL) == 0 &&
           netlink_filter_set(nl, INDEX_B, &none, false, NULL) == 0 &&
           netlink_filter_get(nl, INDEX_B, &healed, NULL) == 0 && shape_same(&got, &asked) &&
           shape_same(&healed, &none);
}

/* A connection within the namespace, listed, ended, and not listed any more. */
static bool try_disconnect(struct netlink *nl)
{
    struct netlink *diag = NULL;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    scoped_fd int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    scoped_fd int calling = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    netlink_up(nl, INDEX_LOOPBACK);
    bool right = netlink_flush(nl, NULL) == 0 && bind(listening, (struct sockaddr *)&at, len) == 0 &&
                 listen(listening, 1) == 0 && getsockname(listening, (struct sockaddr *)&at, &len) == 0 &&
                 connect(calling, (struct sockaddr *)&at, len) == 0 && netlink_open_diag(&diag, NULL) == 0;
    struct netlink_connection all[2];
    size_t before = 0, after = 0;
    right = right && netlink_connections(diag, all, 2, &before, NULL) == 0 && before == 2 &&
            netlink_disconnect(diag, &all[0], NULL) == 0 && netlink_connections(diag, all, 2, &after, NULL) == 0 &&
            after == 0;
    netlink_close(diag);
    return right;
}

/* Added, read back, deleted and gone. */
static bool try_rule(struct netlink *nl, const struct netlink_rule *rule, const char *what, char why[160])
{
    struct err e = {0};
    bool there = false, still = true;
    if (netlink_rule_add(nl, rule, &e) != 0 || netlink_rule_there(nl, rule, &there, &e) != 0 ||
        netlink_rule_delete(nl, rule, &e) != 0 || netlink_rule_there(nl, rule, &still, &e) != 0) {
        snprintf(why, 160, "the kernel takes no %.40s (%.80s)", what, e.msg);
        return false;
    }
    bool right = there && !still;
    snprintf(why, 160, right ? "a %.40s, added, read back and deleted" : "a %.40s does not read back", what);
    return right;
}

static bool try_fib(struct netlink *nl, char why[160])
{
    const struct netlink_rule rule = {.priority = 30000, .iif = "dr-a"};
    return try_rule(nl, &rule, "black hole rule", why);
}

static bool try_ports(struct netlink *nl, char why[160])
{
    const struct netlink_rule asking = {.priority = 30000, .to = 0x0a000000, .to_len = 16, .to_port = 7001};
    const struct netlink_rule answering = {
        .priority = 30000, .to = 0x0a000000, .to_len = 16, .from_port = 7001, .unreachable = true};
    return try_rule(nl, &asking, "rule for a port", why) &&
           try_rule(nl, &answering, "rule for answers from a port", why);
}

static bool is_our_frame(const struct wire_frame *f, const unsigned char *frame, size_t len)
{
    return f->index == INDEX_A && f->whole && f->len == len && memcmp(f->bytes, frame, len) == 0;
}

/* The kernel may have something to say of its own when devices go up (IPv6 does): that is passed over. */
static bool came_in(struct wire_ring *ring, const unsigned char *frame, size_t len)
{
    struct wire_frame f;
    bool came = false;
    while (!came && wire_ring_next(ring, &f)) {
        came = is_our_frame(&f, frame, len);
        wire_ring_done(ring);
    }
    return came;
}

/* A frame addressed to nobody: does what leaves by one end come in by the other, whole? A device that went up has its
 * queue a moment later and loses without a word what comes before, so it is sent until it arrives. */
static bool frame_passes(struct wire_ring *ring)
{
    static unsigned char frame[64] = {2, 0xD7, 9, 9, 9, 9, 2, 0xD7, 0, 0, 0, 1, 0x88, 0xB5};
    struct wire_parcel parcel = {.index = INDEX_B, .bytes = frame, .len = sizeof(frame)};
    struct pollfd p = {.fd = wire_ring_fd(ring), .events = POLLIN};
    for (int i = 0; i < FRAMES_MAX; i++) {
        wire_ring_send(ring, &parcel, 1);
        poll(&p, 1, FRAME_BOUND_MS);
        if (came_in(ring, frame, sizeof(frame))) {
            return true;
        }
    }
    return false;
}

static bool try_wire(struct netlink *nl, char why[160])
{
    struct err e = {0};
    struct wire_ring *ring = NULL;
    netlink_up(nl, INDEX_A);
    netlink_up(nl, INDEX_B);
    if (netlink_flush(nl, &e) != 0 || wire_ring_open(&ring, &e) != 0) {
        snprintf(why, 160, "packet sockets cannot be had (%.80s)", e.msg);
        return false;
    }
    bool right = frame_passes(ring);
    wire_ring_free(ring);
    snprintf(why, 160, right ? "a frame through packet sockets at both ends of a link"
                             : "packet sockets do not see what passes a link");
    return right;
}

int caps_try(struct caps_trial *trial, struct err *e)
{
    *trial = (struct caps_trial){0};
    struct netlink *nl = NULL;
    if (netlink_open(&nl, e) != 0) {
        return -1;
    }
    int rc = make_pair(nl, e);
    if (rc == 0) {
        trial->netem = try_netem(nl, trial->netem_why);
        trial->tbf = try_tbf(nl, trial->tbf_why);
        trial->fib = try_fib(nl, trial->fib_why);
        trial->filter = try_filter(nl);
        trial->disconnect = try_disconnect(nl);
        trial->ports = try_ports(nl, trial->ports_why);
        trial->wire = try_wire(nl, trial->wire_why);
    }
    netlink_close(nl);
    return rc;
}

static struct lab_mechanism always(const char *name, const char *why)
{
    return (struct lab_mechanism){.name = name, .why = why, .available = true};
}

static const struct lab_mechanism none_at_all = {.name = "none"};

static struct lab_mechanism judge_filter(const struct caps_trial *trial)
{
    if (trial->filter) {
        return always("bpf", "tried: a classic BPF filter at the way out of a link, changed and read back");
    }
    if (trial->wire) {
        return always("wire", "tried: a frame carried by packet sockets; the kernel has no cls_bpf");
    }
    return (struct lab_mechanism){.name = "none",
                                  .why = "the kernel has no cls_bpf and gives no packet sockets; load the modules "
                                         "sch_ingress and cls_bpf"};
}

static struct lab_mechanism judge_disconnect(const struct caps_trial *trial)
{
    if (trial->disconnect) {
        return always("diag", "tried: a connection ended by SOCK_DESTROY");
    }
    return (struct lab_mechanism){.name = "none",
                                  .why = "the kernel ends no connections on request; run on one that is built with "
                                         "CONFIG_INET_DIAG_DESTROY (Debian's is, User-Mode Linux is not)"};
}

/* Gates are rules whatever else there is; who answers for them needs packet sockets. */
static void judge_gates(const struct caps_trial *trial, struct lab_caps *caps)
{
    struct lab_mechanism *only = &caps->effects[EFFECT_CUT_ONLY], *reject = &caps->effects[EFFECT_REJECT];
    *only = *reject = none_at_all;
    only->why = reject->why =
        "the kernel takes no routing rules for ports; Linux 4.17 and later do, with CONFIG_IP_MULTIPLE_TABLES";
    if (trial->ports) {
        *only = always("fib", "tried: routing rules for a port and for answers from it, read back");
        reject->why = "packet sockets cannot be had, and without them nobody answers for what is rejected";
    }
    if (trial->ports && trial->wire) {
        *reject = always("fib", "tried: routing rules, read back, and packet sockets to answer by");
    }
}

void caps_judge(const struct caps_trial *trial, struct lab_caps *caps)
{
    const struct lab_mechanism netem = {"netem", "tried: netem on a link of its own, changed and read back", true};
    struct lab_mechanism none = none_at_all;
    const struct lab_mechanism wire = {"wire", "tried: a frame carried by packet sockets; the kernel has no sch_netem",
                                       true};
    none.why = "the kernel has no sch_netem; load the module, or run on a kernel that has it (User-Mode Linux does)";
    judge_gates(trial, caps);
    caps->effects[EFFECT_KILL] = always("signal", "SIGKILL through a pidfd");
    caps_judge_nodes(trial, caps);
    caps->effects[EFFECT_DRIFT] = always("file", "a new configuration file and SIGHUP");
    caps->effects[EFFECT_LAG] = always("admin", "the admin ports of stores and gateways");
    caps->effects[EFFECT_CLOCK] = always("admin", "the admin port of the node, for what it uses wall time for");
    caps->effects[EFFECT_FAIL_OVER] = caps->effects[EFFECT_REVOKE] = caps->effects[EFFECT_PATCH] =
        always("admin", "the admin port of the nodes");
    caps->effects[EFFECT_TLS] = always("openssl", "certificates of the run's own authority, a new file and SIGHUP");
    caps->effects[EFFECT_DNS] =
        gdnsd_is_there() ? always("gdnsd", GDNSD_PATH " as a node of the lab")
                         : (struct lab_mechanism){"none", "the traffic manager is not installed: ci/install-deps test, "
                                                          "or apt-get install gdnsd (its service is not needed)",
                                                  false};
    caps->effects[EFFECT_MISBEHAVE] = always("admin", "the admin port of the origins");
    caps->effects[EFFECT_SURGE] = always("load", "further load processes");
    caps->effects[EFFECT_SLOW_CLIENTS] = always("load", "sockets of further load processes");
    caps->effects[EFFECT_DEGRADE] = trial->netem ? netem : trial->wire ? wire : none;
    caps->effects[EFFECT_FILTER] = judge_filter(trial);
    caps->effects[EFFECT_UNPLUG] = always("link", "the routers' devices of the link go down");
    caps->effects[EFFECT_DISCONNECT] = judge_disconnect(trial);
    caps->effects[EFFECT_STALL] = caps->effects[EFFECT_DEGRADE_ONLY] =
        trial->wire ? always("wire", "tried: a frame carried by packet sockets")
                    : (struct lab_mechanism){.name = "none",
                                             .why = "packet sockets cannot be had, and nothing else holds packets, "
                                                    "or finds those of one port"};
    if (trial->netem) {
        caps->effects[EFFECT_CUT] = caps->effects[EFFECT_RATE] = netem;
        return;
    }
    caps->effects[EFFECT_CUT] = none;
    caps->effects[EFFECT_RATE] = trial->wire ? wire : none;
    if (trial->fib) {
        caps->effects[EFFECT_CUT] = always("fib", "tried: a black hole rule, read back; the kernel has no sch_netem");
    }
    if (trial->tbf) {
        caps->effects[EFFECT_RATE] = always("tbf", "tried: a token bucket, read back; the kernel has no sch_netem");
    }
}

/* What may be asked for beside the machine's own choice. */
struct choice {
    enum lab_effect effect;
    const char *name;
    const char *why;
};

static const struct choice choices[] = {
    {EFFECT_CUT, "fib", "asked for; a black hole rule was tried and read back"},
    {EFFECT_DEGRADE, "wire", "asked for; a frame was carried by packet sockets"},
    {EFFECT_RATE, "wire", "asked for; a frame was carried by packet sockets"},
    {EFFECT_RATE, "tbf", "asked for; a token bucket was tried and read back"},
    {EFFECT_FREEZE, "signal", "asked for; SIGSTOP through a pidfd"},
    {EFFECT_FREEZE, "freezer", "asked for; the freezer of control groups v1 was tried"},
    {EFFECT_FILTER, "wire", "asked for; a frame was carried by packet sockets"},
};

static bool tried(const struct caps_trial *t, const char *name, const char **why)
{
    bool fib = strcmp(name, "fib") == 0, wire = strcmp(name, "wire") == 0;
    if (strcmp(name, "signal") == 0) {
        return true;
    }
    if (strcmp(name, "freezer") == 0) {
        *why = "no freezer of control groups v1 can be had";
        return t->group[CGROUP_FREEZER] && !t->group_v2[CGROUP_FREEZER];
    }
    if (!fib && !wire && t->netem) {
        *why = "a device has one queueing discipline, and here that is netem";
        return false;
    }
    *why = fib ? t->fib_why : wire ? t->wire_why : t->tbf_why;
    return fib ? t->fib : wire ? t->wire : t->tbf;
}

static int force(struct lab_caps *caps, const struct caps_trial *trial, enum lab_effect effect, const char *word,
                 struct err *e)
{
    for (size_t i = 0; i < array_len(choices); i++) {
        const char *why;
        if (choices[i].effect != effect || strcmp(choices[i].name, word) != 0) {
            continue;
        }
        if (!tried(trial, word, &why)) {
            return err_set(e, ERR_MACHINE, lab_effect_words[effect], "%s", why);
        }
        caps->effects[effect] = always(choices[i].name, choices[i].why);
        return 0;
    }
    err_set(e, ERR_MACHINE, lab_effect_words[effect], "mechanism %s cannot be had here; this machine does it with %s",
            word, caps->effects[effect].name);
    return err_help(e, "leave out --mechanism %s=%s", lab_effect_words[effect], word);
}

int caps_force(struct lab_caps *caps, const struct caps_trial *trial, const char *const forced[LAB_EFFECTS],
               struct err *e)
{
    for (enum lab_effect i = 0; i < LAB_EFFECTS; i++) {
        if (forced[i] && strcmp(forced[i], caps->effects[i].name) != 0 && force(caps, trial, i, forced[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool is(const struct lab_caps *caps, enum lab_effect effect, const char *name)
{
    return caps->effects[effect].name && strcmp(caps->effects[effect].name, name) == 0;
}

static bool shaped(const struct path_state *p)
{
    return p->delay_ns || p->jitter_ns || p->loss_ppm || p->duplicate_ppm || p->reorder_ppm || p->corrupt_ppm;
}

static bool asked_of(const unsigned *link_effects, size_t link, enum lab_effect effect)
{
    return link_effects && link_effects[link] & 1u << effect;
}

static bool wanted_of(const struct topology *t, const unsigned *link_effects, size_t link, enum lab_effect effect)
{
    const struct path_state *base = &t->links[link].baseline;
    bool always_so = effect == EFFECT_RATE ? base->rate_bps > 0 : shaped(base);
    return always_so || asked_of(link_effects, link, effect);
}

bool lab_caps_settle(struct lab_caps *caps, const struct topology *t, const unsigned *link_effects,
                     const char *const forced[LAB_EFFECTS], bool *wired)
{
    bool any = false;
    for (size_t k = 0; k < t->link_count && is(caps, EFFECT_DEGRADE, "wire"); k++) {
        any = any || wanted_of(t, link_effects, k, EFFECT_DEGRADE);
    }
    if (any && !forced[EFFECT_RATE] && caps->effects[EFFECT_RATE].available) {
        caps->effects[EFFECT_RATE] = caps->effects[EFFECT_DEGRADE]; /* one link, one mechanism */
    }
    for (size_t k = 0; k < t->link_count; k++) {
        bool one = (is(caps, EFFECT_DEGRADE, "wire") && wanted_of(t, link_effects, k, EFFECT_DEGRADE)) ||
                   (is(caps, EFFECT_FILTER, "wire") && asked_of(link_effects, k, EFFECT_FILTER)) ||
                   (is(caps, EFFECT_DEGRADE_ONLY, "wire") && asked_of(link_effects, k, EFFECT_DEGRADE_ONLY)) ||
                   (is(caps, EFFECT_STALL, "wire") && asked_of(link_effects, k, EFFECT_STALL)) ||
                   (is(caps, EFFECT_RATE, "wire") && wanted_of(t, link_effects, k, EFFECT_RATE));
        any = any || one;
        if (wired) {
            wired[k] = one;
        }
    }
    return any;
}

struct probe_answer {
    struct caps_trial trial;
    bool usable;
    struct err failed;
};

static _Noreturn void probe_in_child(int fd, const char *const forced[LAB_EFFECTS])
{
    struct probe_answer a = {0};
    bool own_user;
    a.usable = cell_unshare(&own_user, &a.failed) == 0 && caps_try(&a.trial, &a.failed) == 0;
    if (a.usable && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) {
        caps_try_nodes(&a.trial, "/tmp", "/", forced);
    }
    _exit(write(fd, &a, sizeof(a)) == (ssize_t)sizeof(a) ? 0 : 1);
}

/* 1: the child answered, 0: it did not, -1: there is none. */
static int probe(struct probe_answer *a, const char *const forced[LAB_EFFECTS], struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_os(e, ERR_RUN, errno, "probe", "cannot make a pipe");
    }
    scoped_fd int in = ends[0];
    scoped_fd int out = ends[1];
    struct child c;
    int side = child_fork(&c, e);
    if (side == 0) {
        probe_in_child(out, forced);
    }
    fd_close(&out);
    if (side < 0) {
        return -1;
    }
    bool answered = child_wait(&c, PROBE_BOUND_NS, NULL) == 0 && read(in, a, sizeof(*a)) == (ssize_t)sizeof(*a);
    child_stop(&c, 0, NULL);
    return answered;
}

int lab_caps_probe(struct lab_caps *caps, struct err *e)
{
    const char *const nothing[LAB_EFFECTS] = {0};
    struct probe_answer a = {0};
    *caps = (struct lab_caps){.rootless = geteuid() != 0};
    int answered = probe(&a, nothing, e);
    if (answered < 0) {
        return -1;
    }
    caps->usable = answered && a.usable;
    caps_judge(&a.trial, caps);
    if (!caps->usable) {
        snprintf(caps->reason, sizeof(caps->reason), "%.255s", answered ? a.failed.msg : "the probe did not answer");
        snprintf(caps->remedy, sizeof(caps->remedy), "%.255s", a.failed.help);
    }
    return 0;
}

int lab_caps_force(struct lab_caps *caps, const char *const forced[LAB_EFFECTS], struct err *e)
{
    struct probe_answer a = {0};
    bool any = false;
    for (int i = 0; i < LAB_EFFECTS; i++) {
        any = any || forced[i];
    }
    return any && caps->usable && (probe(&a, forced, e) < 0 || caps_force(caps, &a.trial, forced, e) < 0) ? -1 : 0;
}
