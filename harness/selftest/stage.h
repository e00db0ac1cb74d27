/* SPDX-License-Identifier: MIT */
/*
 * What every rehearsal of the self-test needs: a plan with faults that are told, not injected, a worker of the load
 * room on it, and evidence files in a scratch folder. The course of a rehearsal is elsewhere; here is the rest.
 *
 * A stage points into itself: it must not be moved once it is set.
 */
#pragma once
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/load.h"
#include "harness/measure/result.h"

#define STAGE_STEPS 16
#define STAGE_HOLD_NS INT64_C(500000000) /* recovery.hold of the self-test */
#define STAGE_RTO_NS INT64_C(1000000000) /* the rto target, hence a stall above 100 ms voids a rehearsal (G7) */

struct stage_config {
    uint64_t seed;
    int64_t gap_ns, timeout_ns;     /* of every stream */
    bool reads, writes;
    bool null_drill;                /* the step is `nothing` */
    size_t step_count;              /* faults with ids 1.. */
    const char *scratch, *name;     /* the folder to make a folder of this name in */
};

struct stage {
    struct stage_config config;
    struct plan plan;
    struct topology topology;
    struct topo_site sites[3]; /* two regions and the vantage */
    struct topo_node nodes[2];
    uint16_t endpoint;
    struct plan_stream streams[2];
    struct plan_step steps[STAGE_STEPS];
    struct plan_target targets[2];
    char path[160], address[16];
    int64_t zero_ns; /* loop time of run time 0 */
    struct timeline *timeline;
    struct loop *loop;
    struct transport *transport;
    struct worker *worker;
};

/* Plan, files, loop, transport and worker for a server that stands already. Streams do not run yet. */
int stage_open(struct stage *s, const struct stage_config *c, const char *address, uint16_t port, struct err *e);
void stage_close(struct stage *s); /* zeroed is fine; the files go, too */

/* Instants are loop time, as everywhere outside the evidence. id: of the step, 0 for the whole rehearsal. */
void stage_note(struct stage *s, enum event_kind kind, uint16_t id, const char *subject, const char *outcome,
                int64_t begin_ns, int64_t end_ns);
int stage_run(struct stage *s, int64_t until_ns, struct err *e);
/* Streams end, everything lands; then the closing events. -1 also when the worker could not keep its evidence. */
int stage_finish(struct stage *s, struct err *e);

/* One fault of a rehearsal as if it had been a drill of its own: the requests planned in [from, to), the events that
 * carry its id or none. The slice borrows everything from `whole`. */
struct stage_slice {
    struct plan plan;
    struct evidence evidence;
    struct event *events; /* heap */
};
void stage_slice(const struct stage *s, const struct evidence *whole, uint16_t id, int64_t from_ns, int64_t to_ns,
                 struct stage_slice *out);
void stage_slice_deinit(struct stage_slice *slice);
