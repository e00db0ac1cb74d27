/* SPDX-License-Identifier: MIT */
/*
 * Nodes as processes. Each has a folder on the lab's private disk: config.json (what it reads, drift happens here),
 * desired.json (the truth, read-only; in a world with a control plane it is published there, netns_control.c), data/,
 * and in a world with TLS a gateway's tls.pem, in one with tokens its jwks.json. A start renders the configuration only
 * on a disk that has neither: what somebody changed or took away there survives a power loss as it would on a real
 * machine. A lost disk takes all of it along.
 *
 * A file that nobody can read, not even who is root over the namespace's files, is a symbolic link to itself: opening
 * it fails, renaming another over it puts it right.
 *
 * data/ is a file system of its own (netns_disk.c).
 *
 * The program is started in the node's network namespace, in its control groups where the run needs them, and, being
 * our child, in the cell's pid namespace. What it prints goes to nodes/<node>.log in the run directory, starts of one
 * node one behind the other. So does the access log of a gateway, to nodes/<node>.access.jsonl: what lies in data/
 * under the name that the gateway knows is a link to there, so that the log takes no room on its disk and outlives it.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/render.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEATH_BOUND_NS (2 * NS_PER_S)
#define FREEZE_BOUND_NS (500 * NS_PER_MS)
#define CONFIG_MAX (1u << 20)
#define BUNDLE_MAX (1u << 16)

/* <run>/lab/<site>/<node>/<file>; file "" is the folder itself. */
void netns_node_path(const struct netns_lab *l, uint16_t node, const char *file, struct text *path)
{
    text_clear(path);
    text_addf(path, "%s/%s%s%s", l->cell.disk, l->topo->nodes[node].name, *file ? "/" : "", file);
}

int netns_make_folders(const char *path, struct err *e)
{
    scoped_free char *copy = xstrdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(copy, 0700); /* what matters is the last one */
        *slash = '/';
    }
    if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
        return err_os(e, ERR_RUN, errno, path, "cannot make the folder");
    }
    return 0;
}

int netns_put_json(const char *path, const json_t *doc, struct err *e)
{
    scoped_free char *bytes = json_canonical(doc);
    return file_replace(path, bytes, strlen(bytes), e);
}

/* The old folder steps aside; what was mounted in it is gone. */
static int lose_disk(struct netns_lab *l, uint16_t node, struct err *e)
{
    scoped_text struct text old = {0}, aside = {0};
    netns_node_path(l, node, "data", &old);
    disk_unmount(&l->runs[node].disk, text_str(&old));
    netns_node_path(l, node, "", &old);
    text_addf(&aside, "%s.lost-%u", text_str(&old), ++l->runs[node].disks);
    if (rename(text_str(&old), text_str(&aside)) != 0 && errno != ENOENT) {
        return err_os(e, ERR_RUN, errno, text_str(&old), "cannot take the disk away");
    }
    return 0;
}

/* <folder>/<site>-<node>.<kind> */
static void add_log_path(const struct netns_lab *l, uint16_t node, const char *folder, const char *kind,
                         struct text *path)
{
    scoped_free char *name = xstrdup(l->topo->nodes[node].name);
    for (char *slash = strchr(name, '/'); slash; slash = strchr(slash, '/')) {
        *slash = '-';
    }
    text_addf(path, "%s/%s.%s", folder, name, kind);
}

/* The name under which a gateway knows its access log leads to the run directory. */
static int lead_access_log(const struct netns_lab *l, uint16_t node, struct err *e)
{
    scoped_text struct text folder = {0}, to = {0}, from = {0};
    if (!l->topo->access_log || l->topo->nodes[node].role != NODE_GATEWAY) {
        return 0;
    }
    text_addf(&folder, "%s/nodes", l->run_path);
    scoped_free char *whole = realpath(text_str(&folder), NULL);
    netns_node_path(l, node, "data/" RENDER_ACCESS_LOG, &from);
    if (whole) {
        add_log_path(l, node, whole, "access.jsonl", &to);
    }
    if (!whole || (symlink(text_str(&to), text_str(&from)) != 0 && errno != EEXIST)) {
        return err_os(e, ERR_RUN, errno, text_str(&from), "cannot have the access log lead to the run directory");
    }
    return 0;
}

static int furnish_disk(struct netns_lab *l, uint16_t node, struct err *e)
{
    scoped_text struct text path = {0};
    netns_node_path(l, node, "data", &path);
    if (netns_make_folders(text_str(&path), e) != 0 || disk_mount(&l->runs[node].disk, text_str(&path), e) != 0 ||
        lead_access_log(l, node, e) != 0) {
        return -1;
    }
    netns_node_path(l, node, "desired.json", &path);
    if (access(text_str(&path), F_OK) == 0) {
        return 0;
    }
    scoped_json json_t *doc = render_config(l->topo, node);
    netns_node_path(l, node, "config.json", &path);
    if (netns_put_json(text_str(&path), doc, e) != 0 || netns_tls_furnish(l, node, e) != 0 ||
        netns_tokens_furnish(l, node, e) != 0 || netns_control_furnish(l, node, e) != 0) {
        return -1;
    }
    return netns_desired_keep(l, node, doc, e);
}

static int open_log(const struct netns_lab *l, uint16_t node, struct err *e)
{
    scoped_text struct text folder = {0}, path = {0};
    text_addf(&folder, "%s/nodes", l->run_path);
    add_log_path(l, node, text_str(&folder), "log", &path);
    int fd = open(text_str(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd >= 0 ? fd : err_os(e, ERR_RUN, errno, text_str(&path), "cannot open the log");
}

int netns_enter(void *arg)
{
    const struct netns_entry *to = arg;
    for (enum cgroup_kind k = 0; k < CGROUP_KINDS; k++) {
        if (to->lab->grouped[k] && cgroup_join(&to->lab->groups, k, to->node) != 0) {
            return -1;
        }
    }
    struct tap *tap = to->lab->runs[to->node].tap;
    return setns(to->lab->nodes[to->node].fd, CLONE_NEWNET) != 0 || (tap && tap_attach(tap, TAP_NODE) != 0) ? -1 : 0;
}

/* Does it have a store, and does the world have backups? */
static bool backs_up(const struct netns_lab *l, uint16_t node)
{
    const struct topo_node *n = &l->topo->nodes[node];
    return l->topo->backups.every_ns > 0 && n->role == NODE_ORIGIN && n->number == 1;
}

/* The region's second medium: beside the nodes' disks, so that it outlives them. A lost one steps aside. */
static int furnish_medium(struct netns_lab *l, uint16_t node, bool lost, struct text *path, struct err *e)
{
    if (!backs_up(l, node)) {
        return 0;
    }
    text_addf(path, "%s/%s/backups", l->cell.disk, l->topo->sites[l->topo->nodes[node].site].name);
    scoped_text struct text aside = {0};
    text_addf(&aside, "%s.lost-%u", text_str(path), l->runs[node].disks);
    if (lost && rename(text_str(path), text_str(&aside)) != 0 && errno != ENOENT) {
        return err_os(e, ERR_RUN, errno, text_str(path), "cannot take the medium of the backups away");
    }
    return netns_make_folders(text_str(path), e);
}

/* What the program is told on its command line, NULL-terminated. */
#define ARGS_MAX 12
static void add_words(const char **args, const char *option, const char *value)
{
    size_t n = 0;
    while (args[n]) {
        n++;
    }
    args[n] = option;
    args[n + 1] = value;
}

int netns_node_start(struct lab *lab, uint16_t node, unsigned how, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    struct child *process = &l->runs[node].process;
    if (l->topo->nodes[node].role == NODE_CLIENT || (process->pid != 0 && !child_dead(process))) {
        return 0;
    }
    scoped_text struct text medium = {0};
    if (((how & LAB_START_FRESH) && lose_disk(l, node, e) != 0) || furnish_disk(l, node, e) != 0 ||
        netns_tap_furnish(l, node, e) != 0 || furnish_medium(l, node, how & LAB_START_NO_BACKUPS, &medium, e) != 0) {
        return -1;
    }
    scoped_fd int log = open_log(l, node, e);
    if (log < 0) {
        return -1;
    }
    if (l->topo->nodes[node].role == NODE_DNS) {
        return netns_dns_start(l, node, log, e);
    }
    scoped_text struct text config = {0}, desired = {0}, data = {0};
    netns_node_path(l, node, "config.json", &config);
    netns_node_path(l, node, "desired.json", &desired);
    netns_node_path(l, node, "data", &data);
    const char *args[ARGS_MAX] = {l->gateway_path, "--config", text_str(&config), "--data", text_str(&data)};
    if (l->topo->nodes[node].role == NODE_GATEWAY && !l->topo->control.there) {
        add_words(args, "--desired", text_str(&desired));
    }
    if (medium.len > 0) {
        add_words(args, "--backups", text_str(&medium));
        add_words(args, how & LAB_START_RESTORE ? "--restore" : NULL, NULL);
    }
    struct netns_entry to = {l, node};
    l->runs[node].started_ns = clock_mono_ns();
    return child_exec(process, args, NULL, log, netns_enter, &to, e);
}

int netns_node_signal(struct lab *lab, uint16_t node, int sig, struct err *e)
{
    return child_signal(&netns_of(lab)->runs[node].process, sig, e);
}

int netns_node_kill(struct lab *lab, uint16_t node, struct err *e)
{
    struct child *process = &netns_of(lab)->runs[node].process;
    if (child_dead(process)) {
        return 0;
    }
    if (child_signal(process, SIGKILL, e) != 0) {
        return -1;
    }
    /* A group must not stay frozen: in v1 nobody in it would die, and in either nobody could start in it. */
    if (netns_of(lab)->grouped[CGROUP_FREEZER] &&
        cgroup_limit(&netns_of(lab)->groups, CGROUP_FREEZER, node, LAB_PLENTY, e) != 0) {
        return -1;
    }
    int rc = child_wait(process, DEATH_BOUND_NS, e);
    if (rc != 0) {
        return rc == 1 ? err_set(e, ERR_RUN, netns_of(lab)->topo->nodes[node].name, "it did not die of SIGKILL") : -1;
    }
    return netns_tap_settle(netns_of(lab), node, e);
}

enum node_state netns_node_state(struct lab *lab, uint16_t node)
{
    struct child *process = &netns_of(lab)->runs[node].process;
    if (child_dead(process)) {
        return NODE_DOWN;
    }
    int64_t freezer = LAB_PLENTY;
    if (netns_of(lab)->grouped[CGROUP_FREEZER] &&
        cgroup_read(&netns_of(lab)->groups, CGROUP_FREEZER, node, &freezer, NULL) == 0 && freezer == 0) {
        return NODE_FROZEN;
    }
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)process->pid);
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (n <= 0) {
        return NODE_DOWN;
    }
    line[n] = '\0';
    const char *name_end = strrchr(line, ')'); /* the name may hold anything; the state stands behind it */
    char state = name_end && name_end[1] == ' ' ? name_end[2] : '?';
    return state == 'T' ? NODE_FROZEN : state == 'Z' || state == 'X' ? NODE_DOWN : NODE_UP;
}

int netns_node_exit(struct lab *lab, uint16_t node)
{
    return netns_of(lab)->runs[node].process.status;
}

/* A node that starts into a freeze first comes to listen: one that never did would refuse, which is another fault. */
static void await_listening(struct netns_lab *l, uint16_t node)
{
    while (clock_mono_ns() < l->runs[node].started_ns + FREEZE_BOUND_NS && !child_dead(&l->runs[node].process) &&
           !netns_listens(l, node)) {
        poll(NULL, 0, 1);
    }
}

int netns_node_freeze(struct lab *lab, uint16_t node, bool frozen, struct err *e)
{
    if (frozen) {
        await_listening(netns_of(lab), node);
    }
    if (netns_of(lab)->grouped[CGROUP_FREEZER]) {
        return cgroup_limit(&netns_of(lab)->groups, CGROUP_FREEZER, node, frozen ? 0 : LAB_PLENTY, e);
    }
    if (netns_node_signal(lab, node, frozen ? SIGSTOP : SIGCONT, e) != 0) {
        return -1;
    }
    int64_t until_ns = clock_mono_ns() + FREEZE_BOUND_NS;
    for (;;) {
        enum node_state state = netns_node_state(lab, node);
        if (state == NODE_DOWN || (state == NODE_FROZEN) == frozen) {
            return 0;
        }
        if (clock_mono_ns() > until_ns) {
            return err_set(e, ERR_RUN, netns_of(lab)->topo->nodes[node].name, "it did not %s",
                           frozen ? "stop" : "go on");
        }
        poll(NULL, 0, 1);
    }
}

int netns_disk_starve(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t limit, struct err *e)
{
    scoped_text struct text path = {0};
    netns_node_path(l, node, "data", &path);
    return disk_starve(&l->runs[node].disk, text_str(&path), r, limit, e);
}

int netns_disk_supply(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                      struct err *e)
{
    scoped_text struct text path = {0};
    netns_node_path(l, node, "data", &path);
    return disk_supply(text_str(&path), r, want, s, e);
}

static int get_json(struct lab *lab, uint16_t node, const char *file, json_t **config, struct err *e)
{
    scoped_text struct text path = {0}, bytes = {0};
    netns_node_path(netns_of(lab), node, file, &path);
    if (text_read_file(&bytes, text_str(&path), CONFIG_MAX, e) != 0) {
        return -1;
    }
    *config = json_read(text_str(&bytes), bytes.len, text_str(&path), e);
    return *config ? 0 : -1;
}

int netns_config_get(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    return get_json(lab, node, "config.json", config, e);
}

int netns_desired_get(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    return get_json(lab, node, "desired.json", config, e);
}

int netns_desired_keep(struct netns_lab *l, uint16_t node, const json_t *config, struct err *e)
{
    scoped_text struct text path = {0};
    netns_node_path(l, node, "desired.json", &path);
    if (netns_put_json(text_str(&path), config, e) != 0) {
        return -1;
    }
    return chmod(text_str(&path), 0400) == 0 ? 0 : err_os(e, ERR_RUN, errno, text_str(&path), "cannot protect it");
}

int netns_desired_set(struct lab *lab, uint16_t node, const json_t *config, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    return netns_desired_keep(l, node, config, e) != 0 || netns_control_publish(l, node, config, e) != 0 ? -1 : 0;
}

int netns_config_first(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    *config = render_config(netns_of(lab)->topo, node);
    return *config ? 0 : err_set(e, ERR_DEFECT, netns_of(lab)->topo->nodes[node].name, "it has no configuration");
}

int netns_file_get(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e)
{
    scoped_text struct text path = {0};
    struct stat st;
    struct err why = {0};
    (void)e;
    netns_node_path(netns_of(lab), node, "config.json", &path);
    if (text_read_file(&file->bytes, text_str(&path), CONFIG_MAX, &why) != 0) {
        file->state = why.os == ENOENT ? LAB_FILE_MISSING : LAB_FILE_UNREADABLE;
        return 0;
    }
    file->state = LAB_FILE_READABLE;
    file->mode = stat(text_str(&path), &st) == 0 ? st.st_mode & 07777 : 0;
    return 0;
}

static int make_unreadable(const char *path, struct err *e)
{
    scoped_text struct text aside = {0};
    text_addf(&aside, "%s.loop", path);
    if (symlink(path, text_str(&aside)) != 0 || rename(text_str(&aside), path) != 0) {
        return err_os(e, ERR_RUN, errno, path, "cannot make it unreadable");
    }
    return 0;
}

int netns_file_set(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    scoped_text struct text path = {0};
    netns_node_path(l, node, "config.json", &path);
    switch (file->state) {
    case LAB_FILE_UNREADABLE:
        return make_unreadable(text_str(&path), e);
    case LAB_FILE_MISSING:
        if (unlink(text_str(&path)) != 0 && errno != ENOENT) {
            return err_os(e, ERR_RUN, errno, text_str(&path), "cannot remove it");
        }
        return 0;
    case LAB_FILE_READABLE:
        break;
    }
    if (file_replace(text_str(&path), text_str(&file->bytes), file->bytes.len, e) != 0) {
        return -1;
    }
    if (chmod(text_str(&path), file->mode) != 0) {
        return err_os(e, ERR_RUN, errno, text_str(&path), "cannot set its mode");
    }
    if (l->topo->nodes[node].role != NODE_DNS) {
        return 0;
    }
    scoped_fd int log = open_log(l, node, e);
    return log < 0 ? -1 : netns_dns_reload(l, node, log, e);
}

int netns_tls_get(struct lab *lab, uint16_t node, struct text *bundle, struct err *e)
{
    scoped_text struct text path = {0};
    netns_node_path(netns_of(lab), node, RENDER_BUNDLE, &path);
    return text_read_file(bundle, text_str(&path), BUNDLE_MAX, e);
}

int netns_tls_set(struct lab *lab, uint16_t node, const char *bundle, struct err *e)
{
    scoped_text struct text path = {0};
    netns_node_path(netns_of(lab), node, RENDER_BUNDLE, &path);
    return file_replace(text_str(&path), bundle, strlen(bundle), e);
}

int netns_client_fork(struct lab *lab, uint16_t node, struct child *c, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    int side = child_fork(c, e);
    if (side != 0) {
        return side;
    }
    if (setns(l->nodes[node].fd, CLONE_NEWNET) != 0) {
        _exit(126);
    }
    netns_tear_down(l); /* in the child: it has no business with the others' namespaces */
    fd_close(&l->cell.net_fd);
    return 0;
}
