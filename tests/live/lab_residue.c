/* SPDX-License-Identifier: MIT */
/*
 * The audit finds what is left behind, whatever it is, and names it; when it is taken away the host is clean again.
 * The host is a namespace of our own, so that the leavings of this test are nobody's trouble.
 */
#include "harness/base/child.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/nl.h"
#include "harness/lab/residue.h"
#include "tests/live/lab_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void enter_a_host(struct stage *s)
{
    char uid[32], gid[32];
    int own = geteuid() == 0 ? 0 : CLONE_NEWUSER;
    snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
    snprintf(gid, sizeof(gid), "0 %u 1", getegid());
    if (unshare(own | CLONE_NEWNET | CLONE_NEWNS) != 0) {
        stage_give_up(s, "namespaces");
    }
    if (own) {
        put("/proc/self/setgroups", "deny");
        put("/proc/self/uid_map", uid);
        put("/proc/self/gid_map", gid);
    }
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static struct residue *begin(struct stage *s)
{
    char left[1024];
    struct residue *r = NULL;
    enter_a_host(s);
    if (residue_begin(&r, s->run_path, left, sizeof(left), &s->err) != 0) {
        stage_give_up(s, "audit");
    }
    CHECK(left[0] == '\0');
    return r;
}

static void finds(struct stage *s, struct residue *r, const char *what)
{
    char found[4096];
    CHECK(residue_look(r, found, sizeof(found), &s->err) == 0);
    printf("%s", found);
    stage_check(strstr(found, what) != NULL, what, __FILE__, __LINE__);
}

static void clean(struct stage *s, struct residue *r)
{
    char found[4096];
    CHECK(residue_look(r, found, sizeof(found), &s->err) == 0);
    printf("%s", found);
    CHECK(found[0] == '\0');
}

static void nothing_at_all(struct stage *s)
{
    struct residue *r = begin(s);
    clean(s, r);
    clean(s, r);
    residue_end(r);
}

static void the_network(struct stage *s)
{
    struct residue *r = begin(s);
    struct netlink *nl = NULL;
    scoped_fd int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const struct netlink_rule rule = {.priority = 30007, .iif = "left0"};
    CHECK(netlink_open(&nl, &s->err) == 0);
    CHECK(netlink_rule_add(nl, &rule, &s->err) == 0);
    finds(s, r, "routing rule 30007");
    CHECK(netlink_rule_delete(nl, &rule, &s->err) == 0);
    clean(s, r);
    const struct netlink_end ends[2] = {{here, 71, "left0", {2, 0, 0, 0, 0, 1}},
                                        {here, 72, "dr-m0", {2, 0, 0, 0, 0, 2}}};
    netlink_veth(nl, &ends[0], &ends[1]);
    netlink_up(nl, 71);
    netlink_up(nl, 72);
    netlink_neighbour(nl, 71, 0x0A090807, ends[1].mac);
    CHECK(netlink_flush(nl, &s->err) == 0 && netlink_tbf_set(nl, 71, 8000000, true, &s->err) == 0);
    finds(s, r, "link left0");
    finds(s, r, "queueing discipline tbf d701: at ffffffff on left0");
    finds(s, r, "permanent neighbour on device 71, 0a090807");
    residue_end(r);
    r = NULL;
    char left[1024];
    CHECK(residue_begin(&r, s->run_path, left, sizeof(left), &s->err) == 0);
    CHECK(strstr(left, "link dr-m0") && strstr(left, "from before this run") && !strstr(left, "link left0"));
    residue_end(r);
    netlink_close(nl);
}

static void a_table_of_nftables(struct stage *s)
{
    static const char *const nft[] = {"/usr/sbin/nft", "add", "table", "ip", "left0", NULL};
    struct residue *r = begin(s);
    struct child c = {0};
    bool made = child_exec(&c, nft, NULL, -1, NULL, NULL, NULL) == 0 && child_wait(&c, 5 * NS_PER_S, NULL) == 0 &&
                c.status == 0;
    if (made) {
        finds(s, r, "nftables table left0");
    } else {
        printf("no nftables here\n");
    }
    residue_end(r);
}

static void a_mount(struct stage *s)
{
    struct residue *r = begin(s);
    CHECK(mount("left", s->run_path, "tmpfs", 0, NULL) == 0);
    finds(s, r, s->run_path);
    CHECK(umount(s->run_path) == 0);
    clean(s, r);
    residue_end(r);
}

static bool is_cgroup(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

static void a_cgroup(struct stage *s)
{
    static const char *const roots[] = {"/sys/fs/cgroup/drtest-left", "/sys/fs/cgroup/freezer/drtest-left",
                                        "/sys/fs/cgroup/cpu/drtest-left"};
    struct residue *r = begin(s);
    bool made = false;
    for (size_t i = 0; i < array_len(roots) && !made; i++) {
        bool there = mkdir(roots[i], 0755) == 0;
        made = there && is_cgroup(roots[i]);
        if (made) {
            finds(s, r, roots[i]);
        }
        if (there) {
            CHECK(rmdir(roots[i]) == 0);
            clean(s, r);
        }
    }
    printf(made ? "" : "no cgroup may be made here\n");
    residue_end(r);
}

static void a_process_and_its_listener(struct stage *s)
{
    struct residue *r = begin(s);
    struct child left;
    int side = child_fork(&left, &s->err);
    if (side == 0) {
        const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7007)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        _exit(bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, 1) == 0 ? pause() : 1);
    }
    char name[64];
    snprintf(name, sizeof(name), "process %d (", (int)left.pid);
    for (int i = 0; i < 50; i++) {
        stage_pass_ms(2); /* it needs a moment to listen */
    }
    finds(s, r, name);
    finds(s, r, "listener tcp 00000000:1B5F held by process");
    CHECK(child_stop(&left, 0, &s->err) == 0);
    clean(s, r);
    residue_end(r);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"a host as it was", nothing_at_all},
                                      {"links, queues, rules, neighbours", the_network},
                                      {"a table of nftables", a_table_of_nftables},
                                      {"a mount", a_mount},
                                      {"a cgroup", a_cgroup},
                                      {"a process and its listener", a_process_and_its_listener}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
