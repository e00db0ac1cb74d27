/* SPDX-License-Identifier: MIT */
/*
 * What others may want to hear of a drill while it runs, as CloudEvents 1.0: every run leaves them in events.jsonl, a
 * line each, and with --notify URL they are posted as well (HTTP, application/cloudevents+json).
 *
 * A process of its own sends, so that nothing that is measured waits for a web server, and so that a server that hangs
 * costs nobody more than the bound of notify_end. It leaves notifications.jsonl in the run directory, a line per event
 * with what became of its delivery. The log is there already when an event is sent. Nothing here touches a verdict.
 *
 * Secrets come from the environment: DRTEST_NOTIFY_HEADER, or DRTEST_NOTIFY_HEADER_FILE, a file of header lines.
 */
#pragma once
#include "harness/cli/listener.h"
#include "harness/evidence/event.h"
#include "harness/measure/result.h"
#include "harness/spec/plan.h"

struct notify {
    struct listener sender;
    int log_fd;                       /* of events.jsonl, for appending; the conductor has it, too */
    int log_errno;                    /* of the first line that could not be written, 0: none */
    const char *run_id, *suite, *lab; /* borrowed */
    const struct plan *plan;
    int64_t zero_wall_ns; /* wall clock at run time 0 */
    unsigned number;      /* of events so far, in the process that tells */
};

/* Is it a URL that can be told, and are the headers there and usable? */
int notify_check(const char *url, struct err *e);

/* The log of one run, and its sender; url NULL: nobody is sent anything. */
int notify_begin(struct notify *n, const char *url, const char *run_path, struct err *e);
void notify_started(struct notify *n);
void notify_event(struct notify *n, const struct event *ev, double run_s); /* never waits for others */
/* After judgement: recovery and end; then wait, with a bound, until all is delivered or given up. *undelivered says how
 * many were not delivered, -1 if the sender was lost. Fails if a line of the log could not be written. */
int notify_end(struct notify *n, const struct result *r, const char *run_path, int *undelivered, struct err *e);
void notify_close(struct notify *n); /* in any case; a sender that still sends is stopped */
