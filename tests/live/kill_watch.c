/* SPDX-License-Identifier: MIT */
#include "tests/live/kill_watch.h"

#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS (30 * NS_PER_S)
#define FILE_MAX (16 << 20)

static const char *const files[2] = {"undo.jsonl", "timeline.jsonl"};

/* Runs in the output folder that are not known yet; the last one's name, "" none. */
static void new_run(const struct flight *f, char name[256])
{
    DIR *dir = opendir(f->output);
    name[0] = '\0';
    for (const struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
        char word[300];
        snprintf(word, sizeof(word), "/%s/", d->d_name);
        if (text_starts(d->d_name, "six-faults-") && !strstr(f->known, word)) {
            snprintf(name, 256, "%s", d->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void note_known(struct flight *f)
{
    char name[256];
    size_t len = 0;
    for (new_run(f, name); name[0] && len < sizeof(f->known); new_run(f, name)) {
        len += (size_t)snprintf(f->known + len, sizeof(f->known) - len, "/%s/", name);
    }
}

int flight_start(struct flight *f, const char *drtest, const char *scenario, const char *output, const char *log)
{
    const char *const argv[] = {drtest, "run", scenario, "-o", output, NULL};
    *f = (struct flight){.output = output};
    note_known(f);
    scoped_fd int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd < 0 ? -1 : child_exec(&f->runner, argv, NULL, fd, NULL, NULL, NULL);
}

static void name_line(const json_t *o, bool undo, char name[64])
{
    const char *kind = json_string_value(json_object_get(o, undo ? "state" : "kind"));
    const char *subject = json_string_value(json_object_get(o, "subject"));
    int number = (int)json_integer_value(json_object_get(o, undo ? "fault" : "code"));
    bool counted = kind && (undo || text_starts(kind, "fault.") || text_starts(kind, "heal."));
    if (counted) {
        snprintf(name, 64, "%s%.40s/%d", undo ? "undo." : "", kind, number);
    } else {
        snprintf(name, 64, "%.30s%s%.30s", kind ? kind : "?", subject ? "/" : "", subject ? subject : "");
    }
}

/* Run time 0 on the machine's clock follows from the first reading of the clocks. */
static void note_clock(struct flight *f, const json_t *o)
{
    json_int_t mono = json_integer_value(json_object_get(json_object_get(o, "data"), "mono_ns"));
    if (mono && !f->clock_zero_ns) {
        f->clock_zero_ns = mono - json_integer_value(json_object_get(o, "at_ns"));
    }
}

/* Has the line been written since we last looked? For "scenario.zero" at_ns gets the instant it names. */
static bool seen(struct flight *f, int which, const char *line, int64_t *at_ns)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", f->run_path, files[which]);
    scoped_file FILE *file = fopen(path, "re");
    scoped_free char *row = NULL;
    size_t cap = 0;
    bool found = false;
    if (!file || fseek(file, f->read[which], SEEK_SET) != 0) {
        return false;
    }
    for (ssize_t n = getline(&row, &cap, file); !found && n > 0 && row[n - 1] == '\n'; n = getline(&row, &cap, file)) {
        scoped_json json_t *o = json_loads(row, 0, NULL);
        char name[64];
        f->read[which] += n;
        name_line(o, which == 0, name);
        note_clock(f, o);
        found = text_eq(name, line);
        *at_ns = found && text_eq(line, "scenario.zero") && f->clock_zero_ns
                     ? f->clock_zero_ns + json_integer_value(json_object_get(o, "at_ns"))
                     : clock_mono_ns();
    }
    return found;
}

static void pause_until(int64_t at_ns)
{
    const struct timespec at = {at_ns / NS_PER_S, at_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
    }
}

bool flight_await(struct flight *f, const struct moment *m)
{
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS, at_ns = clock_mono_ns();
    bool there = m->line[0] == '\0', undo = text_starts(m->line, "undo.");
    while (!there && clock_mono_ns() < until_ns && !child_dead(&f->runner)) {
        if (!f->run_path[0]) {
            char name[256];
            new_run(f, name);
            if (name[0]) {
                snprintf(f->run_path, sizeof(f->run_path), "%.100s/%.150s", f->output, name);
            }
        }
        there = f->run_path[0] && seen(f, !undo, m->line, &at_ns);
        if (!there) {
            pause_until(clock_mono_ns() + (undo ? 50 : 300) * NS_PER_US);
        }
    }
    if (there) {
        pause_until(at_ns + m->after_ns);
    }
    return there;
}

int flight_end(struct flight *f, int64_t bound_ns)
{
    return child_wait(&f->runner, bound_ns, NULL) == 0 ? f->runner.status : -1;
}

int timeline_lines(const char *run_path, struct event_line *lines, int max)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/timeline.jsonl", run_path);
    scoped_file FILE *file = fopen(path, "re");
    scoped_free char *row = NULL;
    size_t cap = 0;
    int n = 0;
    for (ssize_t len = file ? getline(&row, &cap, file) : -1; len > 0 && row[len - 1] == '\n';
         len = getline(&row, &cap, file)) {
        scoped_json json_t *o = json_loads(row, 0, NULL);
        const char *outcome = json_string_value(json_object_get(o, "outcome"));
        if (!o || json_integer_value(json_object_get(o, "seq")) != n || n == max) {
            return -1;
        }
        struct event_line *l = &lines[n++];
        *l = (struct event_line){.at_ns = json_integer_value(json_object_get(o, "at_ns")),
                                 .end_ns = json_integer_value(json_object_get(o, "end_ns"))};
        name_line(o, false, l->line);
        snprintf(l->outcome, sizeof(l->outcome), "%.31s", outcome ? outcome : "");
    }
    return n;
}
