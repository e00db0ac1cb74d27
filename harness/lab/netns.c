/* SPDX-License-Identifier: MIT */
/*
 * The netns lab: opening, closing, and the questions that are passed on to the ask list.
 *
 * Opening puts the calling process into a cell for good (see cell.h): one lab in the life of a process, opened before
 * it has threads, and no new processes after the close. Closing kills the first process of the cell and with it all
 * nodes, lets go of every namespace, and waits until the kernel, which takes links down in its own time, has let the
 * tripwire go. Children that client_fork gave away belong to their owners, who should have stopped them before.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/residue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOSE_BOUND_NS (1 * NS_PER_S)

static int choose_mechanisms(struct netns_lab *l, struct err *e)
{
    struct caps_trial trial;
    if (unshare(CLONE_NEWNET) != 0) {
        return err_os(e, ERR_MACHINE, errno, "network namespace", "cannot make one");
    }
    if (caps_try(&trial, e) != 0) {
        return -1;
    }
    caps_try_nodes(&trial, l->cell.disk, l->run_path, l->options.forced);
    l->caps.usable = true;
    l->caps.rootless = l->cell.rootless;
    caps_judge(&trial, &l->caps);
    if (caps_force(&l->caps, &trial, l->options.forced, e) != 0) {
        return -1;
    }
    netns_wire_choose(l);
    return 0;
}

static int make_log_folder(const struct netns_lab *l, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/nodes", l->run_path);
    if (mkdir(text_str(&path), 0755) != 0 && errno != EEXIST) {
        return err_os(e, ERR_RUN, errno, text_str(&path), "cannot make the folder");
    }
    return 0;
}

static int open_cell(struct netns_lab *l, struct err *e)
{
    scoped_text struct text disk = {0};
    text_addf(&disk, "%s/lab", l->run_path);
    return cell_open(&l->cell, text_str(&disk), e);
}

static const enum lab_effect group_effects[CGROUP_KINDS] = {[CGROUP_FREEZER] = EFFECT_FREEZE,
                                                            [CGROUP_PIDS] = EFFECT_PROCESSES,
                                                            [CGROUP_CPU] = EFFECT_CPU,
                                                            [CGROUP_MEMORY] = EFFECT_MEMORY};

static bool wants_group(const struct netns_lab *l, enum cgroup_kind kind)
{
    return l->options.effects & 1u << group_effects[kind];
}

/* Before there are namespaces of ours, whose end the keeper must see. */
static int start_keeper(struct netns_lab *l, struct err *e)
{
    bool any = false;
    cgroup_find(&l->groups, l->run_path, caps_wants_freezer_v1(l->options.forced));
    for (enum cgroup_kind k = 0; k < CGROUP_KINDS; k++) {
        any = any || (wants_group(l, k) && l->groups.at[k].root[0]);
    }
    return any && !l->cell.rootless ? cgroup_keeper_start(&l->keeper, &l->groups, e) : 0;
}

static int make_groups(struct netns_lab *l, struct err *e)
{
    for (enum cgroup_kind k = 0; k < CGROUP_KINDS; k++) {
        bool able = l->caps.effects[group_effects[k]].available;
        l->grouped[k] = wants_group(l, k) && able && !netns_does(l, group_effects[k], "signal");
        for (uint16_t n = 0; l->grouped[k] && n < l->topo->node_count; n++) {
            if (l->topo->nodes[n].role != NODE_CLIENT && cgroup_make(&l->groups, k, n, e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static void netns_close(struct lab *lab);

static int netns_open(struct lab **lab, const struct topology *t, const struct lab_options *o, struct err *e)
{
    struct netns_lab *l = xcalloc(1, sizeof(*l));
    l->lab = (struct lab){.ops = &lab_netns, .zero_ns = o->zero_ns, .seed = o->seed};
    l->topo = t;
    l->options = *o;
    l->run_path = xstrdup(o->run_path);
    l->gateway_path = xstrdup(o->gateway_path);
    l->cell = (struct cell){.net_fd = -1, .init.pidfd = -1, .rootless = geteuid() != 0};
    l->nodes = xcalloc(t->node_count, sizeof(*l->nodes));
    l->routers = xcalloc(t->site_count, sizeof(*l->routers));
    l->mesh = xcalloc(2 * t->link_count + 1, sizeof(*l->mesh));
    l->runs = xcalloc(t->node_count, sizeof(*l->runs));
    l->loop = loop_new(e);
    if (!l->loop || make_log_folder(l, e) != 0 || start_keeper(l, e) != 0 || open_cell(l, e) != 0 ||
        choose_mechanisms(l, e) != 0 || make_groups(l, e) != 0 || netns_build(l, e) != 0 ||
        netns_tls_open(l, e) != 0 || netns_tokens_open(l, e) != 0) {
        netns_close(&l->lab);
        return -1;
    }
    *lab = &l->lab;
    return 0;
}

/* Poll for something that sends no message, a millisecond at a time. */
static void await_tripwire(int64_t until_ns)
{
    while (if_nametoindex(NETNS_TRIPWIRE) != 0 && clock_mono_ns() < until_ns) {
        poll(NULL, 0, 1);
    }
}

static void netns_close(struct lab *lab)
{
    if (!lab) {
        return;
    }
    struct netns_lab *l = netns_of(lab);
    int64_t until_ns = clock_mono_ns() + CLOSE_BOUND_NS;
    ask_list_close(&l->asks);
    netns_tls_close(l);
    for (uint16_t n = 0; l->grouped[CGROUP_FREEZER] && n < l->topo->node_count; n++) {
        if (l->topo->nodes[n].role != NODE_CLIENT) {
            cgroup_limit(&l->groups, CGROUP_FREEZER, n, LAB_PLENTY, NULL); /* nobody dies frozen */
        }
    }
    cell_kill(&l->cell);
    wire_close(steal(&l->wire));
    answerer_close(steal(&l->answerer));
    for (size_t i = 0; i < l->topo->node_count; i++) {
        struct child *all[] = {&l->runs[i].process, &l->runs[i].guest.process};
        for (size_t k = 0; k < array_len(all); k++) {
            if (all[k]->pid != 0) {
                child_stop(all[k], 0, NULL);
            }
        }
        netns_descriptors_let_go(&l->runs[i]);
        fd_close(&l->runs[i].guest.file);
        tap_close(steal(&l->runs[i].tap));
        netns_crowd_free(steal(&l->runs[i].crowd));
    }
    for (size_t p = 0; p < 2 * l->topo->link_count; p++) {
        netlink_kept_free(l->mesh[p].kept);
    }
    netns_tear_down(l);
    if (l->cell.net_fd >= 0) {
        await_tripwire(until_ns);
    }
    cell_close(&l->cell, CLOSE_BOUND_NS, NULL);
    cgroup_keeper_end(&l->keeper, CLOSE_BOUND_NS);
    loop_free(l->loop);
    free(l->nodes);
    free(l->routers);
    free(l->mesh);
    free(l->wired);
    free(l->gated);
    free(l->rejecting);
    free(l->wired_links);
    free(l->filtered);
    free(l->runs);
    token_key_free(l->token_key);
    free(l->run_path);
    free(l->gateway_path);
    free(l);
}

static struct loop *netns_loop(struct lab *lab)
{
    return netns_of(lab)->loop;
}

static struct lab_mechanism netns_mechanism(struct lab *lab, enum lab_effect effect)
{
    return netns_of(lab)->caps.effects[effect];
}

static struct ask_order order_for(const struct netns_lab *l, int64_t timeout_ns, lab_answer_fn *done, void *arg)
{
    return (struct ask_order){
        .loop = l->loop, .zero_ns = l->lab.zero_ns, .timeout_ns = timeout_ns, .done = done, .arg = arg};
}

static int ask_from(struct netns_lab *l, uint16_t from, const struct ask_order *order, struct err *e)
{
    int fd = netns_socket(l, l->nodes[from].fd, SOCK_STREAM, e);
    return fd < 0 ? -1 : ask_start(&l->asks, fd, order, e);
}

static int ask_dns_of(struct netns_lab *l, uint16_t from, uint16_t to, const char *name, struct ask_order *order,
                      struct err *e)
{
    order->dns = true;
    order->target = name;
    order->to = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(TOPO_PORT_DNS), .sin_addr = {htonl(netns_address(l, to))}};
    int fd = netns_socket(l, l->nodes[from].fd, SOCK_DGRAM, e);
    return fd < 0 ? -1 : ask_start(&l->asks, fd, order, e);
}

static int netns_admin(struct lab *lab, uint16_t node, const char *method, const char *target, const char *body,
                       int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    struct ask_order order = order_for(l, timeout_ns, done, arg);
    if (l->topo->nodes[node].role == NODE_DNS) {
        return ask_dns_of(l, node, node, strcmp(target, "/status") == 0 ? TOPO_DNS_NAME : target + 1, &order, e);
    }
    order.method = method;
    order.target = target;
    order.body = body;
    order.to = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(TOPO_PORT_ADMIN), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return ask_from(l, node, &order, e);
}

static int knock_at(struct lab *lab, uint16_t from, uint16_t to, uint16_t port, const char *http_target,
                    int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    struct ask_order order = order_for(l, timeout_ns, done, arg);
    order.method = "GET";
    order.target = http_target;
    order.knock = true;
    order.to = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(netns_address(l, to))}};
    return ask_from(l, from, &order, e);
}

static int netns_knock(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
                       lab_answer_fn *done, void *arg, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    if (l->topo->nodes[to].role == NODE_DNS) {
        struct ask_order order = order_for(l, timeout_ns, done, arg);
        order.knock = true;
        return ask_dns_of(l, from, to, TOPO_DNS_NAME, &order, e);
    }
    return knock_at(lab, from, to, topo_service_port(l->topo->nodes[to].role), http_target, timeout_ns, done, arg, e);
}

static int netns_knock_port(struct lab *lab, uint16_t from, uint16_t to, uint16_t port, int64_t timeout_ns,
                            lab_answer_fn *done, void *arg, struct err *e)
{
    return knock_at(lab, from, to, port, NULL, timeout_ns, done, arg, e);
}

static int netns_ask(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
                     lab_answer_fn *done, void *arg, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    struct ask_order order = order_for(l, timeout_ns, done, arg);
    order.method = "GET";
    order.target = http_target;
    order.to = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(topo_service_port(l->topo->nodes[to].role)),
        .sin_addr = {htonl(netns_address(l, to))}};
    return ask_from(l, from, &order, e);
}

const struct lab_ops lab_netns = {
    .kind = "netns",
    .open = netns_open,
    .close = netns_close,
    .loop = netns_loop,
    .mechanism = netns_mechanism,
    .node_start = netns_node_start,
    .node_kill = netns_node_kill,
    .node_freeze = netns_node_freeze,
    .node_signal = netns_node_signal,
    .node_starve = netns_node_starve,
    .node_supply = netns_node_supply,
    .node_crowd = netns_node_crowd,
    .node_state = netns_node_state,
    .node_exit = netns_node_exit,
    .node_config_get = netns_config_get,
    .node_config_first = netns_config_first,
    .node_file_get = netns_file_get,
    .node_file_set = netns_file_set,
    .node_desired_get = netns_desired_get,
    .node_desired_set = netns_desired_set,
    .path_set = netns_path_set,
    .path_get = netns_path_get,
    .node_unplug = netns_node_unplug,
    .admin = netns_admin,
    .knock = netns_knock,
    .knock_port = netns_knock_port,
    .tls_issue = netns_tls_issue,
    .tls_get = netns_tls_get,
    .tls_set = netns_tls_set,
    .tls_authority = netns_tls_authority,
    .token_key = netns_token_key,
    .handshake = netns_handshake,
    .ask = netns_ask,
    .path_sockets = netns_path_sockets,
    .node_socket = netns_node_socket,
    .connections = netns_connections,
    .disconnect = netns_disconnect,
    .client_fork = netns_client_fork,
    .carriage = netns_carriage,
    .residue_begin = residue_begin,
};
