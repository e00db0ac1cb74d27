/* SPDX-License-Identifier: MIT */
/*
 * The traffic manager is gdnsd as it comes from the distribution, an ordinary process of the run: no service manager,
 * no user of its own, nothing outside the node's folder. Its config.json is ours; the files it reads are rendered from
 * it into data/etc, data/state and data/run.
 *
 * gdnsd listens on a socket in its run folder, whose name may be no longer than 107 bytes, and folders of runs are
 * deep. So the program and its control tool see the data folder at /run, in a mount namespace of their own.
 *
 * A change of the configuration is taken up by a reload of the zones, which gdnsdctl waits for and which is all or
 * nothing. While the server is dead or stopped only the files change: it reads them when it starts, but a reload would
 * wait for one that cannot answer.
 */
#include "harness/lab/netns.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/gdnsd.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define RELOAD_BOUND_NS (2 * NS_PER_S)
#define SEEN_AT "/run"
#define CONFIG_SEEN_AT "/run/etc"

struct view {
    struct netns_entry to;
    const char *data;
};

static int enter_view(void *arg)
{
    struct view *v = arg;
    if (netns_enter(&v->to) != 0 || unshare(CLONE_NEWNS) != 0) {
        return -1;
    }
    return mount(v->data, SEEN_AT, NULL, MS_BIND, NULL);
}

static int put(struct netns_lab *l, uint16_t node, const char *folder, const char *name, const struct text *content,
               struct err *e)
{
    scoped_text struct text path = {0};
    netns_node_path(l, node, folder, &path);
    if (netns_make_folders(text_str(&path), e) != 0) {
        return -1;
    }
    text_addf(&path, "/%s", name);
    return file_replace(text_str(&path), text_str(content), content->len, e);
}

int netns_dns_furnish(struct netns_lab *l, uint16_t node, struct err *e)
{
    struct gdnsd_files files = {0};
    scoped_json json_t *doc = NULL;
    int rc = netns_config_get(&l->lab, node, &doc, e) != 0 || gdnsd_render(doc, SEEN_AT, &files, e) != 0 ||
                     put(l, node, "data/etc", "config", &files.config, e) != 0 ||
                     put(l, node, "data/etc/zones", TOPO_DNS_ZONE, &files.zone, e) != 0 ||
                     put(l, node, "data/state", "admin_state", &files.admin_state, e) != 0
                 ? -1
                 : 0;
    gdnsd_files_deinit(&files);
    return rc;
}

int netns_dns_start(struct netns_lab *l, uint16_t node, int log_fd, struct err *e)
{
    static const char *const argv[] = {GDNSD_PATH, "-c", CONFIG_SEEN_AT, "start", NULL};
    scoped_text struct text data = {0};
    netns_node_path(l, node, "data", &data);
    struct view view = {.to = {l, node}, .data = text_str(&data)};
    if (netns_dns_furnish(l, node, e) != 0) {
        return -1;
    }
    return child_exec(&l->runs[node].process, argv, NULL, log_fd, enter_view, &view, e);
}

int netns_dns_reload(struct netns_lab *l, uint16_t node, int log_fd, struct err *e)
{
    static const char *const argv[] = {GDNSD_CONTROL_PATH, "-c", CONFIG_SEEN_AT, "reload-zones", NULL};
    scoped_text struct text data = {0};
    netns_node_path(l, node, "data", &data);
    struct view view = {.to = {l, node}, .data = text_str(&data)};
    if (netns_dns_furnish(l, node, e) != 0) {
        return -1;
    }
    if (netns_node_state(&l->lab, node) != NODE_UP) {
        return 0;
    }
    struct child tool = {.pidfd = -1};
    int rc = child_exec(&tool, argv, NULL, log_fd, enter_view, &view, e);
    rc = rc == 0 ? child_wait(&tool, RELOAD_BOUND_NS, e) : -1;
    bool reloaded = rc == 0 && WIFEXITED(tool.status) && WEXITSTATUS(tool.status) == 0;
    child_stop(&tool, 0, NULL);
    return reloaded ? 0 : err_set(e, ERR_RUN, l->topo->nodes[node].name, "it did not load its changed zone");
}
