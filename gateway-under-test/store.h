/* SPDX-License-Identifier: MIT */
/*
 * The store inside an origin: log and index, leadership by lease, replication, planned handover. One struct, one file
 * per noun; each file's functions stand below under its name.
 *
 * Owned by origin.c. Invariants: only a store that leads appends of its own; it acknowledges only while
 * lease_holds(); commit never falls within one leadership; a follower's log is always a prefix of what some leader of
 * its epoch wrote.
 */
#pragma once
#include "gateway-under-test/config.h"
#include "gateway-under-test/flaws.h"
#include "gateway-under-test/frame.h"
#include "gateway-under-test/lag.h"
#include "gateway-under-test/server.h"
#include "gateway-under-test/store_index.h"
#include "gateway-under-test/store_log.h"
#include "gateway-under-test/upstream.h"
#include "harness/base/text.h"

#include <stdbool.h>

#define STORE_PEERS_MAX (CONFIG_REGIONS_MAX - 1)

struct err;
struct node;
struct store;
struct config_store;

/* Does a peer count when a write is acknowledged in sync mode? */
enum standing {
    STANDING_OUT,     /* no, and the witness has it as out of sync */
    STANDING_JOINING, /* yes, but the witness does not know yet */
    STANDING_TELLING, /* yes; the witness is being told that it is in sync */
    STANDING_IN,      /* yes */
    STANDING_LEAVING, /* yes, until the witness has it as out of sync */
};

struct link { /* from the leader to one peer */
    struct store *store;
    const struct config_peer *peer;
    struct conn conn;
    bool connected; /* STATE has come: records flow */
    bool peer_home, peer_draining;
    int64_t dial_at, heard_at;             /* next attempt; last word of the peer */
    int64_t sent_lsn, acked_lsn, flush_to; /* shipped; known there; to be shipped now */
    enum standing standing;
    int64_t joined_at_lsn;   /* JOINING: must be acked before the witness is told */
    int64_t caught_up_since; /* 0: not caught up */
    int64_t progress_at;     /* the peer had all, or has got on */
    int64_t vouch_asked_ns, vouched_ns; /* last question; newest one that it has answered; 0: none in this leadership */
    struct lag lag;          /* what is shipped there comes late, or damaged */
    struct call tell;        /* to the witness, about this peer */
};

struct follower_conn {
    struct conn conn;
    struct store *store;
    struct follower_conn *next, *prev;
    bool greeted;     /* its HELLO was accepted */
    int64_t heard_at; /* its last frame, or when it came */
};

struct lease {
    struct upstream witness;
    struct call call;
    struct loop_timer ask, expiry;
    int64_t sent_ns, since_ns; /* on its clock: of the question under way; of the last one that was granted */
    int64_t promised_until_ns; /* we vouch for another leader */
    int64_t abstains_until_ns; /* of what it cannot use */
    bool marked;               /* on disk, too: the next process must know of the promise */
    char holder[64];                     /* as the witness said last; empty: nobody, or unknown */
    int64_t holder_epoch;
    bool again;    /* ask once more when the answer is there */
    bool by_order; /* an operator's word stands in for that of the witness, until it answers */
    bool stay;     /* an operator ordered the leadership here: no fail-back by itself */
};

struct promotion {      /* an operator's order to lead that the witness is being asked about */
    struct exchange *x; /* NULL: none */
    bool force;
};

enum handover_state { HANDOVER_NONE, HANDOVER_HOLDING, HANDOVER_TRANSFER };

struct handover {
    enum handover_state state;
    struct link *to;
    bool ordered;
    int64_t until;
    struct call call;
    struct exchange *held[1024];
    size_t held_count;
};

/* How a write of ours ended. UNSURE: it is gone, and may be there again after a loss of power. */
enum written { WRITTEN, UNWRITTEN, UNSURE };

struct gathered { /* entries that stand in the index and are not on disk yet */
    struct text bytes;
    vec_of(int64_t) lengths;
    struct loop_timer turn;
};

struct waiter { /* an answer that waits for commit to reach its lsn */
    struct exchange *x;
    int64_t lsn, deadline;
    enum wait_kind { WAIT_WRITE, WAIT_REPLAY, WAIT_READ, WAIT_REVOCATION } kind;
};

struct store {
    struct node *node;
    const struct config_store *cfg;
    struct store_log log;
    struct store_index index;
    struct gathered gathered;
    int lock_fd;
    int64_t epoch; /* highest seen, on disk before it is used */
    bool leading;
    int64_t led_since;
    enum written written;  /* the last write, while leading */
    int64_t fresh_at;      /* when it last was known to have every revocation; 0: never */
    vec_of(struct record) lost; /* what lies in the lost logs, in their order */
    int64_t dropped_count; /* flaw drop_every_nth_write */
    struct lease lease;
    struct link links[STORE_PEERS_MAX];
    size_t link_count;
    struct loop_timer tick, ship;
    struct acceptor acceptor;
    struct follower_conn *followers;
    vec_of(struct waiter) waiters;
    struct handover handover;
    struct promotion promotion;
};

/* store.c */
int store_open(struct store *s, struct node *n, struct err *e);
void store_close(struct store *s);
int store_set_epoch(struct store *s, int64_t epoch);                   /* raise it, on disk first */
void store_take_over(struct store *s, int64_t epoch, json_t *in_sync); /* the lease is ours */
void store_step_down(struct store *s, const char *why);
bool store_leads(const struct store *s); /* leads, and the lease holds at this very instant */
bool store_flaw(const struct store *s, enum flaw f);

/* store_write.c */
void store_gathered_open(struct store *s);
void store_gathered_close(struct store *s);
const struct record *store_append(struct store *s, const struct record *r); /* a write of our own; NULL: s->written */
bool store_put_down(struct store *s);         /* on disk, all that was appended; false: taken back, and refused */
int64_t store_written(const struct store *s); /* the last entry that is on disk as promised */
int store_append_received(struct store *s, const struct text *bytes, const struct record *records, size_t count);

/* lease.c */
void lease_open(struct store *s);
void lease_close(struct store *s);
int64_t lease_clock_ns(const struct store *s);
bool lease_holds(const struct store *s);
int64_t lease_usable_ns(int64_t lease_ms); /* how long its holder counts on it, from when it asked */
bool lease_is_granted(const struct store *s); /* by the witness itself */
void lease_ask_now(struct store *s);
void lease_order(struct store *s); /* ask for the lease because of the promotion, and tell that how it ended */
void lease_abstain(struct store *s); /* do not want it for a while */
void witness_request(struct call *c, const char *path, json_t *take); /* fill in a POST to the witness */

/* vouch.c: the lease while the witness is silent */
void vouch_open(struct store *s);
bool vouch_binds(struct store *s);               /* we have promised not to want the lease */
bool vouch_give(struct store *s);                /* follower: promise it; false: cannot */
void vouch_ask(struct link *k);                  /* leader, every tick: where the last grant has grown old */
int vouch_taken(struct link *k, struct frame *f);
int64_t vouched_since_ns(const struct store *s); /* all peers have vouched since then; 0: not all */
void vouch_release(struct store *s);             /* the leader to whom it was given hands over to us */

/* promote.c: POST /promote */
void promote_take_order(struct store *s, struct exchange *x);
void promote_end(struct store *s, bool answered); /* the witness has spoken, or will not */
void promote_close(struct store *s);

/* commit.c: what may be acknowledged */
int64_t commit_lsn(const struct store *s);
void commit_wait(struct store *s, struct exchange *x, int64_t lsn, enum wait_kind kind);
void commit_advance(struct store *s); /* answer the waiters that are through */
void commit_sweep(struct store *s, int64_t now);
void commit_refuse(struct store *s, int64_t keep); /* entries after lsn keep are gone: tell those who wait for them */
void commit_abandon(struct store *s); /* not leader any more: answer all of them "unknown" */

/* replicate_leader.c */
void leader_open(struct store *s);
void leader_start(struct store *s, json_t *in_sync);
void leader_stop(struct store *s);
void leader_appended(struct store *s);     /* something was put down; sync: ship it at once */
void leader_flush(struct store *s);        /* put down what there is, and ship it */
void leader_mode_changed(struct store *s); /* between sync and async, while it leads or not */
void leader_tick(struct store *s, int64_t now);
struct link *leader_link(struct store *s, const char *region, size_t len); /* NULL: no such peer */
int64_t link_lag_ms(const struct link *k); /* age of the oldest record that the peer lacks */
void link_send(struct link *k, enum frame_type type);

/* standing.c */
bool standing_counts(const struct link *k);
bool standing_in_sync(const struct link *k); /* as status tells it */
void standing_tick(struct link *k, int64_t now);

/* replicate_follower.c */
int follower_open(struct store *s, struct err *e);
void follower_close(struct store *s);
void follower_drop_links(struct store *s);
void follower_tick(struct store *s, int64_t now); /* let go of who has fallen silent */

/* lost.c: what this store set aside when it followed another history */
void lost_open(struct store *s);           /* from the disk */
void lost_take(struct store *s, int64_t keep); /* the entries after lsn keep, which are about to leave the index */
void lost_answer(struct store *s, struct exchange *x); /* GET /v1/lost */
void lost_close(struct store *s);

/* handover.c */
bool handover_begin(struct store *s, struct link *to, bool ordered);
void handover_progress(struct store *s, int64_t now);    /* after every ACK and every tick */
bool handover_hold(struct store *s, struct exchange *x); /* true: kept until it is over */
void handover_end(struct store *s);                      /* whatever its outcome: let the held ones go */

/* revoked.c: what gateways ask for, GET /gateway/revocations, and what an operator orders, POST /revocations */
void revoked_answer_list(struct store *s, struct exchange *x);
void revoked_take_order(struct store *s, struct exchange *x);
void revoked_answer_order(struct store *s, struct exchange *x, const struct record *r);
void revoked_refuse_order(struct exchange *x);

/* orders.c, orders_read.c: the orders API */
void orders_handle(struct store *s, struct exchange *x);
void orders_answer_write(struct store *s, struct exchange *x, const struct record *r, bool replayed);
void orders_answer_read(struct store *s, struct exchange *x, const char *key, const struct record *r);
void orders_refuse(struct store *s, struct exchange *x); /* 503, not forwarded */
void orders_refuse_unwritten(struct store *s, struct exchange *x, enum written how);
void orders_send(struct store *s, struct exchange *x, int status, const char *fields, const struct text *body);
void orders_answer_ops(struct store *s, struct exchange *x);
bool orders_take_page(struct store *s, struct exchange *x, int64_t *from, int64_t *limit); /* false: refused */
void orders_add_op(struct text *out, const struct record *r, int64_t version); /* a row of a page */
