/* SPDX-License-Identifier: MIT */
/*
 * Requests to other servers: one call is one HTTP/1.1 request and its whole response, over a kept-alive connection
 * where the upstream has one that still lives.
 *
 * Called by the proxy, the health checks, the lease keeper and an origin without a store. A struct call is embedded in
 * its owner. `done` is called exactly once per call_start that is not cancelled, never from inside call_start, and is
 * the last thing the call does, so it may start the call again or free the owner. The response can be read only
 * inside `done` (until the next start).
 *
 * A connection (struct line) belongs to a call from its start until the next start or call_deinit, else to the
 * upstream, which keeps it for the next call.
 */
#pragma once
#include "gateway-under-test/conn.h"
#include "gateway-under-test/http1.h"

#include <netinet/in.h>
#include <sys/queue.h>

#define UPSTREAM_IDLE_MAX 256

struct call;
struct line;

struct upstream {
    struct loop *loop;
    struct sockaddr_in address;
    LIST_HEAD(idle_lines, line) idle; /* the newest first */
    int idle_count;
    int64_t idle_ms; /* a kept connection older than this is not used again */
    LIST_HEAD(calls_under_way, call) calls; /* under way */
    int active;      /* their number */
    bool unseen;     /* the flaw keepalive_no_check */
};

enum call_end {
    CALL_ANSWERED,    /* a whole, well-formed response */
    CALL_UNREACHABLE, /* no connection: nothing was sent */
    CALL_TIMEOUT,     /* sent, no whole answer in time, or none to be waited for */
    CALL_BROKEN,      /* sent, then reset, closed or malformed */
};

struct call {
    LIST_ENTRY(call) among; /* those under way at its upstream */
    struct line *line;      /* NULL: none */
    struct http_message res;
    struct upstream *up;
    struct loop_timer timer;
    struct text request;
    int64_t first_byte_ms; /* of the owner: the answer must have begun by then; 0: no limit of its own */
    int64_t connect_deadline, deadline;
    bool under_way, reused, keep;
    bool called_off; /* it ended because its host was found down, not by what the host did */
    enum call_end end;
    void (*done)(struct call *c, enum call_end end);
    /* Of the owner: sent, and the host is found down: true if not to be waited for; or NULL. */
    bool (*moves)(struct call *c);
};

struct call_times {
    int64_t connect_ms, total_ms;
};

void upstream_init(struct upstream *u, struct loop *l, const struct sockaddr_in *to);
void upstream_drop_idle(struct upstream *u);

/*
 * What is kept is of no use any more, and who waits for the host should turn elsewhere: calls without a connection end
 * as CALL_UNREACHABLE, sent ones as CALL_TIMEOUT where `moves` says so. They end in the loop's next turn.
 */
void upstream_host_down(struct upstream *u);
void upstream_deinit(struct upstream *u);

/*
 * Send c->request, filled by the owner, to u. keep: use and leave a kept-alive connection. The connection stays with
 * the call, for the answer is read in it, until the next call_start or call_deinit: u must live until then.
 */
void call_start(struct call *c, struct upstream *u, struct call_times times, bool keep,
                void (*done)(struct call *c, enum call_end end));
void call_cancel(struct call *c); /* no done */
void call_deinit(struct call *c);

const char *call_bytes(const struct call *c); /* what res is about */
struct http_span call_field(const struct call *c, const char *name);
struct http_span call_body(const struct call *c);
