/* SPDX-License-Identifier: MIT */
/*
 *     drgateway backup verify DIR                      exit 0 every copy is whole, 1 one is damaged
 *     drgateway backup restore DIR DATA [--to-lsn N | --to-time T] [--salvage]
 *
 * verify trusts no hash alone: it makes a store of each copy in a folder of its own, opens it as a starting store does
 * and counts. A folder without a copy is an error, not a success: the backup that was never made is the one that is
 * missed.
 */
#include "gateway-under-test/backup_command.h"

#include "gateway-under-test/backup_copy.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DAMAGED = 1 };

struct wish {
    const char *folder, *data_dir;
    struct copy_limit limit;
    bool salvage;
};

static int report(const struct err *e)
{
    (void)fprintf(stderr, "drgateway: %s: %s%s%s\n", e->at, e->msg, e->help[0] ? "\n  help: " : "", e->help);
    return err_exit_code(e);
}

static int find(const char *folder, copy_list *copies, struct err *e)
{
    if (copies_find(folder, copies, e) < 0)
        return -1;
    return copies->len > 0 ? 0 : err_set(e, ERR_READING, folder, "there is no backup below it");
}

/* False: it is not what it says it is. */
static bool verify_copy(const struct copy *c)
{
    struct err e = {0};
    char when[32];
    int64_t records = 0;
    bool back = copy_trial(c, &records, &e) == 0;
    if (c->whole && back && records == c->manifest.records) {
        (void)printf("whole    %s: %s, %lld records, taken %s, restored on trial\n", c->manifest_path,
                     c->manifest.region, (long long)records, clock_rfc3339(c->manifest.taken_ns, when));
        return true;
    }
    (void)printf("DAMAGED  %s: %s; %lld records are sound\n", c->manifest_path, c->whole ? e.msg : c->why,
                 (long long)c->sound);
    return false;
}

static int verify(const struct wish *w)
{
    struct err e = {0};
    copy_list copies = {0};
    int rc = 0;
    if (find(w->folder, &copies, &e) < 0)
        return report(&e);
    for (size_t i = 0; i < copies.len; i++)
        rc = verify_copy(&copies.at[i]) ? rc : EXIT_DAMAGED;
    copies_deinit(&copies);
    return rc;
}

static int restore_newest(const struct wish *w, const copy_list *copies, struct err *e)
{
    const struct copy *c = copies_newest(copies);
    int64_t records = 0;
    char when[32];
    if (c == NULL)
        return err_set(e, ERR_READING, w->folder, "no backup below it has a sound record");
    if (!c->whole && !w->salvage) {
        err_set(e, ERR_READING, c->manifest_path, "every copy is damaged; of the best %lld records are sound: %.200s",
                (long long)c->sound, c->why);
        return err_help(e, "fetch another copy, or take what is sound with --salvage");
    }
    if (copy_restore(c, w->limit, w->data_dir, &records, e) < 0)
        return -1;
    (void)printf("restored %lld of %lld records, last one written %s, from %s\n", (long long)records,
                 (long long)c->manifest.records, clock_rfc3339(c->sound_time_ns, when), c->manifest_path);
    return 0;
}

static int restore(const struct wish *w)
{
    struct err e = {0};
    copy_list copies = {0};
    if (find(w->folder, &copies, &e) < 0)
        return report(&e);
    int rc = restore_newest(w, &copies, &e);
    copies_deinit(&copies);
    return rc < 0 ? report(&e) : 0;
}

static bool whole_number(const char *text, int64_t *out)
{
    char *end;
    long long v = strtoll(text, &end, 10);
    *out = v;
    return *text >= '0' && *text <= '9' && *end == '\0' && v > 0;
}

static int take_options(int argc, char **argv, struct wish *w, struct err *e)
{
    enum { OPT_LSN = 1, OPT_TIME, OPT_SALVAGE };
    static const struct option options[] = {{"to-lsn", required_argument, NULL, OPT_LSN},
                                            {"to-time", required_argument, NULL, OPT_TIME},
                                            {"salvage", no_argument, NULL, OPT_SALVAGE},
                                            {NULL, 0, NULL, 0}};
    for (int opt; (opt = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (opt == OPT_LSN && !whole_number(optarg, &w->limit.lsn))
            return err_set(e, ERR_USAGE, "--to-lsn", "not a position in a log: %.60s", optarg);
        if (opt == OPT_TIME && (w->limit.time_ns = clock_rfc3339_read(optarg)) == 0)
            return err_set(e, ERR_USAGE, "--to-time", "not a time such as 2026-01-01T06:00:00Z: %.60s", optarg);
        if (opt == OPT_SALVAGE)
            w->salvage = true;
        if (opt == '?')
            return err_set(e, ERR_USAGE, "command line", "unknown option, or one without its value");
    }
    return 0;
}

int backup_command(int argc, char **argv)
{
    struct wish w = {.limit = COPY_ALL};
    struct err e = {0};
    const char *what = argc > 1 ? argv[1] : "";
    bool verifies = strcmp(what, "verify") == 0, restores = strcmp(what, "restore") == 0;
    if (!verifies && !restores)
        err_set(&e, ERR_USAGE, "command line", "backup has two commands: verify and restore");
    else if (take_options(argc - 1, argv + 1, &w, &e) == 0 && argc - 1 - optind != (restores ? 2 : 1))
        err_set(&e, ERR_USAGE, "command line", restores ? "write backup restore DIR DATA" : "write backup verify DIR");
    else if (verifies && (w.salvage || w.limit.lsn != INT64_MAX || w.limit.time_ns != INT64_MAX))
        err_set(&e, ERR_USAGE, "command line", "verify takes no options");
    if (e.kind) {
        err_help(&e, "try --help");
        return report(&e);
    }
    w.folder = argv[1 + optind];
    w.data_dir = restores ? argv[2 + optind] : NULL;
    return verifies ? verify(&w) : restore(&w);
}
