/* SPDX-License-Identifier: MIT */
/*
 * history.jsonl: one line per run, each carrying the hash of the line before. What list, due and trends read.
 *
 * Appending is two steps under one lock, because the line holds the digest of result.json and result.json says which
 * line it is: history_begin locks and fills result->history, the caller stores the result, history_end appends.
 */
#pragma once
#include "harness/measure/pool.h"

struct err;

struct history {
    int fd;           /* locked; -1 none */
    const char *path; /* borrowed */
    bool torn;        /* the last line has no line break: a run died while it wrote */
};

/* path is the file; result.history.file gets its name as seen from the run directory (history_place.h). Strings go to
 * the result's arena. */
int history_begin(struct history *h, const char *path, const char *run_path, struct result *r, struct err *e);
/* run_path holds the stored result.json. Unlocks in any case. */
int history_end(struct history *h, const char *run_path, const struct result *r, struct err *e);
void history_close(struct history *h); /* unlock without appending */

/* Call see for each line, with NULL for one that is no JSON object. A file that is not there is an error. */
typedef void history_see(void *arg, const char *text, size_t len, const json_t *line);
int history_each_line(const char *path, history_see *see, void *arg, struct err *e);

/* The newest line of each scenario. */
struct history_entry {
    char scenario[48], verdict[16], run_id[96];
    int64_t started_wall_ns;
};
struct history_latest {
    struct history_entry *at;
    size_t len, cap;
};
/* A file that is not there gives an empty list. */
int history_read_latest(struct history_latest *l, const char *path, struct err *e);
void history_latest_deinit(struct history_latest *l);
const struct history_entry *history_latest_find(const struct history_latest *l, const char *scenario);

/* Every run of the file, oldest first; lines that are none are passed over. A file that is not there gives an empty
 * list. Strings go to the arena. */
struct history_runs {
    struct pool_run *at;
    size_t len, cap;
    const char *unread; /* from history_read_earlier: why there may be others; NULL: there are none */
};
int history_read_runs(struct history_runs *l, struct arena *a, const char *path, struct err *e);
/* Those of its scenario that stand before the line of this result in the history that it names; run_path is its run
 * directory. Where the history cannot be read, or not so far, `unread` says why: reports do without. */
void history_read_earlier(struct history_runs *l, struct arena *a, const char *run_path, const struct result *r);
void history_runs_deinit(struct history_runs *l);
