/* SPDX-License-Identifier: MIT */
/*
 * Method: flock(2) on the file itself, held from the first look to the append, so that line numbers and hashes are
 * those of the file as it will be. The file is read line by line; a line that is no JSON, or longer than any of ours,
 * counts as a line and is otherwise passed over: the chain of hashes says that something is wrong, not this reader.
 *
 * The line is appended with one write(2). Should a run die within it, the next one finds a last line without a break,
 * ends it, and goes on.
 */
#include "harness/cli/history.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/history_line.h"
#include "harness/cli/history_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (256 * 1024)
#define LOCK_TRIES 200
#define LOCK_PAUSE_NS (50 * NS_PER_MS)

/* Others hold the lock for milliseconds; ten seconds mean that something is wrong. */
static int lock(int fd, const char *path, struct err *e)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return err_os(e, ERR_OUTPUT, errno, path, "cannot lock the history");
        }
        struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
        nanosleep(&pause, NULL);
    }
    return err_set(e, ERR_OUTPUT, path, "the history stayed locked by another process for 10 s");
}

static const char *member(const json_t *line, const char *key)
{
    const char *s = json_string_value(json_object_get(line, key));
    return s ? s : "";
}

/* Equal in all that must not differ between runs that are put together; what is unknown (a run that never had a lab) is
 * equal to nothing. */
static bool comparable(const json_t *line, const struct result *r)
{
    const char *const keys[] = {"tool_sha256", "scenario_sha256", "system_sha256", "config_sha256"};
    const char *const mine[] = {r->tool.sha256, r->scenario.sha256, r->lab.system_sha256, r->lab.config_sha256};
    for (size_t i = 0; i < array_len(keys); i++) {
        if (!*member(line, keys[i]) || !text_eq(member(line, keys[i]), mine[i])) {
            return false;
        }
    }
    return true;
}

/* Call see for each line of the file, with NULL for one that is no JSON object. False: the last line is torn. */
static bool each_line(FILE *in, history_see *see, void *arg)
{
    scoped_free char *buf = NULL;
    size_t cap = 0;
    ssize_t n;
    bool whole = true;
    while ((n = getline(&buf, &cap, in)) > 0) {
        whole = buf[n - 1] == '\n';
        size_t len = (size_t)n - whole;
        scoped_json json_t *line = len <= LINE_MAX_BYTES ? json_loadb(buf, len, 0, NULL) : NULL;
        see(arg, buf, len, json_is_object(line) ? line : NULL);
    }
    return whole;
}

static void survey_line(void *arg, const char *text, size_t len, const json_t *line)
{
    struct result *r = arg;
    char hash[SHA256_HEX];
    sha256_hex(text, len, hash);
    r->history.line++;
    r->history.previous_line_sha256 = arena_strdup(&r->arena, hash);
    r->history.before_run_id = line ? arena_strdup(&r->arena, member(line, "run_id")) : NULL;
    if (line && text_eq(member(line, "scenario"), r->scenario.name)) {
        r->history.previous_run_id = arena_strdup(&r->arena, member(line, "run_id"));
        r->history.comparable_count += comparable(line, r);
    }
}

int history_begin(struct history *h, const char *path, const char *run_path, struct result *r, struct err *e)
{
    scoped_text struct text name = {0};
    *h = (struct history){.fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666), .path = path};
    if (h->fd < 0) {
        return err_os(e, ERR_OUTPUT, errno, path, "cannot open the history");
    }
    if (lock(h->fd, path, e) < 0 || history_name(&name, run_path, path, e) < 0) {
        history_close(h);
        return -1;
    }
    r->history = (struct result_history){.file = arena_strdup(&r->arena, text_str(&name))};
    int fd = dup(h->fd);
    scoped_file FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!in) {
        err_os(e, ERR_OUTPUT, errno, path, "cannot read the history");
        history_close(h);
        return -1;
    }
    rewind(in);
    h->torn = !each_line(in, survey_line, r);
    r->history.line++;
    return 0;
}

int history_end(struct history *h, const char *run_path, const struct result *r, struct err *e)
{
    scoped_text struct text path = {0}, whole = {0};
    text_addf(&path, "%s/result.json", run_path);
    char hash[SHA256_HEX] = "";
    int rc = sha256_file(text_str(&path), hash, e);
    scoped_json json_t *line = history_line_of(r, hash);
    scoped_free char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15));
    text_addf(&whole, "%s%s\n", h->torn ? "\n" : "", text ? text : "{}");
    if (rc == 0 && write(h->fd, text_str(&whole), whole.len) != (ssize_t)whole.len) {
        rc = err_os(e, ERR_OUTPUT, errno ? errno : EIO, h->path, "cannot append to the history");
    }
    if (rc == 0 && fsync(h->fd) < 0) {
        rc = err_os(e, ERR_OUTPUT, errno, h->path, "cannot make the history durable");
    }
    history_close(h);
    return rc;
}

void history_close(struct history *h)
{
    fd_close(&h->fd); /* releases the lock */
}

static void latest_line(void *arg, const char *text, size_t len, const json_t *line)
{
    (void)text;
    (void)len;
    struct history_latest *l = arg;
    if (!line || !*member(line, "scenario")) {
        return;
    }
    struct history_entry *entry = NULL;
    for (size_t i = 0; i < l->len && !entry; i++) {
        entry = text_eq(l->at[i].scenario, member(line, "scenario")) ? &l->at[i] : NULL;
    }
    if (!entry) {
        entry = vec_push(l);
    }
    snprintf(entry->scenario, sizeof(entry->scenario), "%s", member(line, "scenario"));
    snprintf(entry->verdict, sizeof(entry->verdict), "%s", member(line, "verdict"));
    snprintf(entry->run_id, sizeof(entry->run_id), "%s", member(line, "run_id"));
    entry->started_wall_ns = clock_rfc3339_read(member(line, "started_at"));
}

int history_each_line(const char *path, history_see *see, void *arg, struct err *e)
{
    scoped_file FILE *in = fopen(path, "re");
    if (!in) {
        return err_os(e, ERR_READING, errno, path, "cannot read the history");
    }
    each_line(in, see, arg);
    return ferror(in) ? err_os(e, ERR_READING, errno ? errno : EIO, path, "cannot read the history") : 0;
}

/* The same where nothing need be there yet. */
static int read_any(const char *path, history_see *see, void *arg, struct err *e)
{
    return access(path, F_OK) < 0 && errno == ENOENT ? 0 : history_each_line(path, see, arg, e);
}

int history_read_latest(struct history_latest *l, const char *path, struct err *e)
{
    return read_any(path, latest_line, l, e);
}

struct gathering {
    struct history_runs *runs;
    struct arena *arena;
    const char *scenario; /* NULL: of all */
    int64_t lines;        /* still to be looked at; negative: to the end */
};

static void run_line(void *arg, const char *text, size_t len, const json_t *line)
{
    (void)text;
    (void)len;
    struct gathering *g = arg;
    if (g->lines == 0) {
        return;
    }
    g->lines -= g->lines > 0;
    bool wanted = !g->scenario || text_eq(g->scenario, line ? member(line, "scenario") : NULL);
    if (wanted && line && *member(line, "scenario") && *member(line, "run_id")) {
        struct pool_run run = pool_run_of_line(g->arena, line);
        *vec_push(g->runs) = run;
    }
}

int history_read_runs(struct history_runs *l, struct arena *a, const char *path, struct err *e)
{
    struct gathering g = {.runs = l, .arena = a, .lines = -1};
    return read_any(path, run_line, &g, e);
}

/* Whether the page of another run is where a link from this run's page would look. */
static bool lies_beside(const char *run_path, const char *run_id)
{
    scoped_text struct text page = {0};
    text_addf(&page, "%s/../%s/report.html", run_path, run_id);
    return !strchr(run_id, '/') && access(text_str(&page), R_OK) == 0;
}

void history_read_earlier(struct history_runs *l, struct arena *a, const char *run_path, const struct result *r)
{
    struct gathering g = {.runs = l, .arena = a, .scenario = r->scenario.name};
    scoped_text struct text path = {0};
    struct err e = {0};
    if (!r->history.file || r->history.line < 1) {
        l->unread = "this run could not be entered in one";
        return;
    }
    if (r->history.line <= 1) {
        return;
    }
    g.lines = r->history.line - 1;
    history_path(&path, run_path, r->history.file);
    if (history_each_line(text_str(&path), run_line, &g, &e) < 0) {
        l->unread = arena_strdup(a, e.os ? strerror(e.os) : e.msg);
    } else if (g.lines > 0) {
        l->unread = "it has fewer lines than when this run was entered";
    }
    for (size_t i = 0; i < l->len; i++) {
        l->at[i].has_report = lies_beside(run_path, l->at[i].run_id);
    }
}

void history_runs_deinit(struct history_runs *l)
{
    vec_deinit(l);
}

void history_latest_deinit(struct history_latest *l)
{
    vec_deinit(l);
}

const struct history_entry *history_latest_find(const struct history_latest *l, const char *scenario)
{
    for (size_t i = 0; i < l->len; i++) {
        if (text_eq(l->at[i].scenario, scenario)) {
            return &l->at[i];
        }
    }
    return NULL;
}
