/* SPDX-License-Identifier: MIT */
/*
 * The configuration of one node: JSON in, a const struct out (docs/protocol.md section 4).
 *
 * Called by main.c, node.c (reload) and drift.c. A struct config owns its document and an arena for everything it
 * points to. Whatever is wrong is reported with the JSON pointer of the place. Unknown keys are errors: a mistyped
 * time-out must not be a silent default.
 */
#pragma once
#include "gateway-under-test/flaws.h"
#include "harness/base/arena.h"
#include "harness/base/json.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

enum role { ROLE_GATEWAY, ROLE_ORIGIN, ROLE_WITNESS, ROLE_CONTROL };
enum policy { POLICY_ROUND_ROBIN, POLICY_WEIGHTED, POLICY_LEAST_CONN, POLICY_IP_HASH, POLICY_FIRST };
enum hash { HASH_RENDEZVOUS, HASH_MODULO };
enum user_by { USER_BY_ADDRESS, USER_BY_HEADER, USER_BY_QUERY };
enum panic { PANIC_ROUTE_ALL, PANIC_FAIL_FAST };

/* As much as the largest topology has: 99 regions with 4 origins each. */
#define CONFIG_LIST_MAX 400
#define CONFIG_REGIONS_MAX 99

struct config_route {
    const char *name, *host, *path; /* host "*" matches all */
    const char **methods;           /* that it takes; NULL: all */
    size_t method_count;
    int pool;                       /* index in pools */
    int64_t rate_per_s;             /* 0: no limit */
    bool takes_key, takes_token;    /* callers must show one of these; neither: anybody may call */
};

struct config_member {
    const char *name, *region, *address;
    int port, weight;
    struct sockaddr_in to;
};

/* What an active check asks, and how often. */
struct config_check {
    const char *path, *host; /* host NULL: the member's address */
    int64_t every_ms, timeout_ms;
    int unhealthy_after, healthy_after;
    int port;   /* 0: the member's */
    int status; /* 0: any 2xx */
};

struct config_passive {
    int failures; /* in a row */
    int64_t eject_ms;
    int eject_share; /* percent of the members at most, but always one */
};

/* What a breaker counts as a failure: bits by enum attempt_end (pool.h). */
struct config_breaker {
    int failures; /* in a row; 0: no breaker */
    int64_t open_ms;
    int probes;
    unsigned triggers;
};

struct config_pool {
    const char *name;
    enum policy policy;
    enum hash hash;
    enum user_by user_by;
    const char *user_key; /* of the header or the query */
    enum panic panic;
    int panic_below; /* percent of the members that are usable */
    bool spill_over;
    const char **regions; /* order of preference */
    size_t region_count;
    struct config_member *members;
    size_t member_count;
    struct config_check check;
    struct config_passive passive;
    struct config_breaker breaker;
    int64_t connect_ms, first_byte_ms, try_ms, total_ms, backoff_ms; /* first_byte_ms 0: no limit of its own */
    int retries;
};

#define CONFIG_HASH 32
#define CONFIG_KEY_ID 20 /* so that key:NAME fits a revocation */

struct config_key {
    const char *id;
    unsigned char hash[CONFIG_HASH]; /* SHA-256 of its secret */
};

struct config_identity {
    struct config_key *keys;
    size_t key_count;
    const char *token_keys; /* a JWK set; a relative name begins at the configuration's folder; NULL: no tokens */
    const char *audience;   /* NULL: any */
    int64_t leeway_s;
    int revocation_pool; /* whom to ask what is revoked, index in pools; -1: nobody */
    int64_t every_ms, stale_after_ms;
    bool fail_closed; /* when that is not known well enough: let nobody in, else go on with what is known */
};

enum limit_mode { LIMIT_LOCAL, LIMIT_DIVIDED, LIMIT_SHARED };

struct config_limit {
    const char *subject;
    int64_t per_s;
};

struct config_limits {
    enum limit_mode mode;
    struct config_limit *at;
    size_t count;
    int64_t gateways; /* that share a limit */
    int pool;         /* shared: who counts, index in pools; else -1 */
    int64_t every_ms;
};

struct config_peer {
    const char *region;
    struct sockaddr_in to;
};

struct config_store {
    bool sync, degrade_async, home, has_witness, failsafe;
    bool force; /* entries are on the medium before they count */
    int64_t every_ms, degrade_after_ms, lease_ms, renew_ms, failback_hold_ms;
    int port;
    struct config_peer *peers;
    size_t peer_count;
    struct sockaddr_in witness;
};

#define CONFIG_ENDPOINTS_MAX 4

/* Where a gateway hears what is desired of it. */
struct config_control {
    struct sockaddr_in at[CONFIG_ENDPOINTS_MAX]; /* in the order in which they are asked */
    size_t count;                                /* 0: no control plane */
    int64_t wait_ms, stale_after_ms;
    bool refuse_stale;
};

#define CONFIG_INSTANCES_MAX 64

/* Instances of an origin that come with the requests. */
struct config_scaling {
    int64_t cold_start_ms, warm_up_ms, idle_after_ms;
    int per_instance, most, least; /* most 0: it takes whatever comes */
};

struct config_alerts {
    int64_t window_ms, slow_percent, slow_least_ms, error_ppm, traffic_percent;
    int after;      /* windows in a row */
    unsigned rules; /* an or of 1u << enum alert_rule */
};

struct config_backup {
    int64_t every_ms;
    struct config_peer *offsite; /* origins of other regions that take a copy */
    size_t offsite_count;
};

struct config {
    struct arena arena;
    json_t *doc;
    char fingerprint[SHA256_HEX];
    const char *node, *region;
    enum role role;
    int listen, admin;
    uint64_t flaws;
    int64_t drain_ms, finish_ms; /* serving on after SIGTERM; then, finishing what is open, at most */
    /* gateway */
    struct {
        int listen; /* 0: no TLS */
        const char *certificate, *key; /* files; a relative name begins at the configuration's folder */
        int64_t handshake_ms;
    } tls;
    const char *secrets; /* what secrets_print must come to; NULL: what it came to when this was taken over */
    bool forced;   /* may offer much less than the one before */
    int in_flight; /* requests at a time; 0: no bound */
    struct config_alerts *alerts; /* NULL: nothing is watched */
    const char *access_log;       /* file; NULL: none */
    int64_t access_log_max;       /* bytes; 0: however many */
    struct config_route *routes;
    size_t route_count;
    struct config_pool *pools;
    size_t pool_count;
    struct config_identity identity;
    struct config_limits limits;
    struct {
        int64_t check_ms, revert_after_ms;
        bool revert, quarantine;
    } drift;
    struct config_control control;
    /* origin: one of the two */
    struct config_store *store;
    struct sockaddr_in *store_at;
    struct {
        int slots, queue; /* slots 0: as fast as it goes */
        int64_t service_us;
    } capacity;
    struct config_scaling scaling;
    struct config_backup *backup; /* NULL: none are made */
    /* witness */
    int64_t lease_ms, grace_ms;
    const char *prefer;
    const char **regions;
    size_t region_count;
    /* control */
    int64_t hold_ms; /* the longest that a question is held */
};

int config_read(const char *path, struct config **out, struct err *e);
int config_parse(json_t *doc, const char *at, struct config **out, struct err *e); /* borrows doc */
void config_free(struct config *c);
/* May a gateway that runs `now` go over to `next`? -1 with e when next offers nothing, or less than half, unforced. */
int config_guard(const struct config *now, const struct config *next, struct err *e);
static inline bool config_flaw(const struct config *c, enum flaw f)
{
    return (c->flaws >> f) & 1;
}
extern const char *const role_words[]; /* by enum role, NULL at the end */

/*
 * Shared by config.c and the files for one role each. A struct config_place is an object of the document with its
 * pointer; a failure is recorded with it. want_* return -1 on failure and leave *out at the default `otherwise` when
 * the key is absent (WANTED: it must be there).
 */
#define WANTED INT64_MIN
struct config_place {
    const json_t *object;
    struct config *config;
    const char *file;
    struct err *e;
    char pointer[128];
};
int place_fail(const struct config_place *p, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* An object that must be there. */
int place_enter(const struct config_place *p, const char *key, struct config_place *inner);
int place_item(const struct config_place *p, const char *key, size_t i, const json_t *item, struct config_place *inner);
int place_keys(const struct config_place *p, const char *const *known); /* NULL-terminated */
int want_text(const struct config_place *p, const char *key, const char *otherwise, const char **out);
int want_int(const struct config_place *p, const char *key, int64_t low, int64_t high, int64_t otherwise, int64_t *out);
int want_small(const struct config_place *p, const char *key, int low, int high, int64_t otherwise, int *out);
int want_word(const struct config_place *p, const char *key, const char *const *words, const char *otherwise, int *out);
int want_bool(const struct config_place *p, const char *key, bool otherwise, bool *out);
/* 1 to CONFIG_LIST_MAX elements. */
int want_list(const struct config_place *p, const char *key, const json_t **out, size_t *count);
int want_texts(const struct config_place *p, const char *key, const char ***out, size_t *count);
int want_address(const struct config_place *p, struct sockaddr_in *out); /* the keys address and port of p */
int config_parse_gateway(struct config_place *top);
int config_parse_pool(const struct config_place *p, struct config_pool *pool);
/* http://ADDRESS:PORT as a pool of one. */
int config_pool_of_url(const struct config_place *p, const char *url, struct config_pool *pool);
/* config_identity.c: of a route; and, pools and routes known, the rest */
int config_parse_route_identity(const struct config_place *p, struct config_route *r);
int config_parse_identity(const struct config_place *top);
int config_parse_watch(const struct config_place *top); /* config_alerts.c: of a gateway */
int config_parse_origin(struct config_place *top);
int config_parse_witness(struct config_place *top);
int config_parse_control(struct config_place *top);
int config_parse_platform(struct config_place *top); /* the keys control and scaling of gateways and origins */
