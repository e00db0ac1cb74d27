/* SPDX-License-Identifier: MIT */
/*
 * The crowd that comes on top: the extra load of one `surge` step from one vantage.
 *
 * Called by the conductor, as a process of its own in the client's namespace (netns), or on its own loop (sim). Reads
 * only. Nothing of it is a sample: the prober's streams alone decide; a surge is counted in a struct surge_tally.
 * Bounded: no more requests under way than the plan can have, and slow connections as many as asked for.
 */
#pragma once
#include "harness/load/client.h"
#include "harness/spec/plan.h"

struct surge_config {
    const struct plan *plan;
    const struct plan_step *step;
    uint16_t vantage;
    uint16_t http_port;
    const char *authority;        /* as of struct worker_config; slow clients speak plain HTTP all the same */
    const struct token_key *token_key; /* as of struct worker_config */
    const char *const *addresses; /* by endpoint, overriding the topology's; NULL: as in the topology */
};

/* So far, at at_ns of loop time. */
#define SURGE_TALLY(X)                                                                                     \
    X(planned)   /* requests due */                                                                        \
    X(offered)   /* of these, sent at all: the first attempt of each */                                    \
    X(sent)      /* attempts, retries included */                                                          \
    X(good)      /* requests that ended with a good answer */                                              \
    X(bad)       /* requests that ended otherwise */                                                       \
    X(unsent)    /* attempts that never left this process */                                               \
    X(waiting)   /* herd: requests that failed and wait for a heal */                                      \
    X(returned)  /* herd: came back at a heal, all at once */                                              \
    X(held)      /* slow connections that stand now */                                                     \
    X(reopened)  /* slow connections that were made anew, since the other side had enough */

struct surge_tally {
    int64_t at_ns;
#define X(name) uint64_t name;
    SURGE_TALLY(X)
#undef X
};

size_t surge_max_in_flight(const struct plan_step *step);

struct surge;
int surge_new(struct surge **out, const struct surge_config *c, struct loop *l, struct transport *t, struct err *e);
void surge_free(struct surge *s); /* requests under way are forgotten */
void surge_start(struct surge *s, int64_t start_ns);
void surge_heal(struct surge *s); /* some fault has just been healed: the herd comes back */
void surge_stop(struct surge *s); /* no new requests, no retries; slow connections are closed */
bool surge_idle(const struct surge *s);
struct surge_tally surge_count(const struct surge *s);

/* The numbers of a tally as its process tells them: decimal, each followed by a
 * space. False: not these, or not so many. */
bool surge_tally_read(struct surge_tally *t, const char *text);

/* The same as a process; never returns. */
_Noreturn void surge_main(const struct surge_config *c, int fd);
/* The conductor's end of that; frames as in link_frame.h. */
struct surge_link;
int surge_link_new(struct surge_link **out, int fd, struct loop *loop, struct err *e);
void surge_link_free(struct surge_link *l);
enum surge_order { SURGE_START, SURGE_HEAL, SURGE_STOP };
int surge_link_tell(struct surge_link *l, enum surge_order order, int64_t at_ns, struct err *e);
bool surge_link_ready(const struct surge_link *l);
bool surge_link_idle(const struct surge_link *l);
struct surge_tally surge_link_count(const struct surge_link *l); /* as told last, every 50 ms */
const char *surge_link_failure(const struct surge_link *l);      /* NULL none */
