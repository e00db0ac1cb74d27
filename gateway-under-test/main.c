/* SPDX-License-Identifier: MIT */
/*
 * drgateway: one process, one node, one role. SIGTERM and SIGINT drain, SIGHUP reloads; signals arrive by signalfd(2)
 * on the loop like everything else. Exit codes: 0 fine, 2 usage, 3 configuration, 4 failed while running, 5 this
 * machine cannot do it (a port is taken, a directory not writable).
 */
#include "drtest_version.h"
#include "gateway-under-test/backup_command.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/secrets.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char help[] =
    "drgateway: reference API gateway, origin, witness and control endpoint for disaster recovery drills\n"
    "\n"
    "usage: drgateway --config FILE [--desired FILE] [--data DIR] [--backups DIR [--restore]]\n"
    "       drgateway --check-config FILE\n"
    "       drgateway backup verify DIR\n"
    "       drgateway backup restore DIR DATA [--to-lsn N | --to-time T] [--salvage]\n"
    "\n"
    "  --config FILE        configuration of this node (JSON); SIGHUP reads it again\n"
    "  --desired FILE       desired state of a gateway, to see drift against (default: the configuration at start);\n"
    "                       not read where the configuration names control endpoints\n"
    "  --data DIR           directory of a store, witness or control endpoint; must exist\n"
    "  --backups DIR        second medium of a store's backups, and of those that other regions send\n"
    "  --restore            a store without a log starts with the newest good copy in the --backups DIR\n"
    "  --check-config FILE  read FILE, report what is wrong with it, exit 0 or 3\n"
    "  --flaws              list the flaws that a configuration can ask for\n"
    "  --version, --help\n"
    "\n"
    "backup verify reads every copy below DIR from end to end and restores each on trial; exit 1: one is damaged.\n"
    "backup restore makes the log of a store in DATA, from the newest whole copy: all of it, or up to a position\n"
    "or a time (2026-01-01T06:00:00Z). --salvage takes what is sound of a damaged one.\n"
    "\n"
    "SIGTERM drains and exits 0. Ports, endpoints and configuration: docs/protocol.md.\n";

struct signals {
    struct loop_io io;
    struct node *node;
    int fd;
};

static int report(const struct err *e)
{
    (void)fprintf(stderr, "drgateway: %s: %s%s%s\n", e->at, e->msg, e->help[0] ? "\n  help: " : "", e->help);
    return err_exit_code(e);
}

static void on_signal(struct loop_io *io, uint32_t events)
{
    struct signals *s = owner_of(io, struct signals, io);
    struct signalfd_siginfo info;
    (void)events;
    while (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo != SIGHUP) {
            node_drain(s->node);
            continue;
        }
        struct err e = {0};
        if (node_reload(s->node, &e) < 0)
            node_log(s->node, "configuration refused, the running one is kept: %s: %s", e.at, e.msg);
    }
}

static int signals_open(struct signals *s, struct node *n, struct err *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    s->node = n;
    s->io.ready = on_signal;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a disk that takes no more */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
        return err_os(e, ERR_MACHINE, errno, "signals", "cannot listen to signals");
    return loop_io_set(n->loop, &s->io, s->fd, EPOLLIN, e);
}

static int serve(struct node *n, struct config *config, struct err *e)
{
    struct signals signals = {.fd = -1};
    struct loop *l = loop_new(e);
    if (l == NULL) {
        config_free(config);
        return -1;
    }
    n->loop = l;
    if (signals_open(&signals, n, e) < 0 || node_open(n, l, config, e) < 0) {
        config_free(config);
        loop_io_stop(&signals.io);
        fd_close(&signals.fd);
        loop_free(l);
        return -1;
    }
    node_log(n, "serving as %s on port %d, admin on %d, configuration %.12s", role_words[config->role], config->listen,
             config->admin, config->fingerprint);
    int rc = loop_run(l, INT64_MAX, &n->stop, e);
    node_log(n, "stopped");
    node_close(n);
    loop_io_stop(&signals.io);
    fd_close(&signals.fd);
    loop_free(l);
    return rc < 0 ? -1 : 0;
}

static int check_only(const char *path)
{
    struct err e = {0};
    struct config *c;
    char secrets[SHA256_HEX];
    if (config_read(path, &c, &e) < 0)
        return report(&e);
    const struct node n = {.config_path = path};
    secrets_print(&n, c, secrets);
    (void)printf("%s: %s %s, fingerprint %s%s%s\n", path, role_words[c->role], c->node, c->fingerprint,
                 secrets[0] ? ", secrets " : "", secrets);
    config_free(c);
    return 0;
}

static int list_flaws(void)
{
    for (int i = 0; i < FLAW_COUNT; i++)
        (void)printf("%-24s %s\n", flaw_rows[i].name, flaw_rows[i].text);
    return 0;
}

/* Descriptors 0 to 2 must be taken, and many more allowed. */
static void prepare_descriptors(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
        continue;
    fd_close(&fd);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    enum {
        OPT_CONFIG = 1,
        OPT_DESIRED,
        OPT_DATA,
        OPT_BACKUPS,
        OPT_RESTORE,
        OPT_CHECK,
        OPT_FLAWS,
        OPT_VERSION,
        OPT_HELP
    };
    static const struct option options[] = {
        {"config", required_argument, NULL, OPT_CONFIG}, {"desired", required_argument, NULL, OPT_DESIRED},
        {"data", required_argument, NULL, OPT_DATA},     {"backups", required_argument, NULL, OPT_BACKUPS},
        {"restore", no_argument, NULL, OPT_RESTORE},     {"check-config", required_argument, NULL, OPT_CHECK},
        {"flaws", no_argument, NULL, OPT_FLAWS},         {"version", no_argument, NULL, OPT_VERSION},
        {"help", no_argument, NULL, OPT_HELP},           {NULL, 0, NULL, 0}};
    struct node node = {0};
    struct err e = {0};
    prepare_descriptors();
    if (argc > 1 && strcmp(argv[1], "backup") == 0)
        return backup_command(argc - 1, argv + 1);
    for (int opt; (opt = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (opt) {
        case OPT_CONFIG:
            node.config_path = optarg;
            break;
        case OPT_DESIRED:
            node.desired_path = optarg;
            break;
        case OPT_DATA:
            node.data_dir = optarg;
            break;
        case OPT_BACKUPS:
            node.backup_dir = optarg;
            break;
        case OPT_RESTORE:
            node.restore = true;
            break;
        case OPT_CHECK:
            return check_only(optarg);
        case OPT_FLAWS:
            return list_flaws();
        case OPT_VERSION:
            (void)puts("drgateway " DRTEST_VERSION " (" DRTEST_COMMIT ")");
            return 0;
        case OPT_HELP:
            (void)fputs(help, stdout);
            return 0;
        default:
            (void)fputs("drgateway: try --help\n", stderr);
            return 2;
        }
    }
    if (node.config_path == NULL || optind < argc) {
        err_set(&e, ERR_USAGE, "command line", node.config_path ? "unexpected argument" : "--config is missing");
        err_help(&e, "try --help");
        return report(&e);
    }
    struct config *config;
    if ((config_read(node.config_path, &config, &e) < 0 && last_good_read(&node, &config, &e) < 0) ||
        serve(&node, config, &e) < 0)
        return report(&e);
    return 0;
}
