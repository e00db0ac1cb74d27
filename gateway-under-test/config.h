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

enum role { ROLE_GATEWAY, ROLE_ORIGIN, ROLE_WITNESS };
enum policy { POLICY_ROUND_ROBIN, POLICY_LEAST_CONN };

/* As much as the largest topology has: 99 regions with 4 origins each. */
#define CONFIG_LIST_MAX 400
#define CONFIG_REGIONS_MAX 99

struct config_route {
    const char *name, *host, *path; /* host "*" matches all */
    int pool;                       /* index in pools */
    int64_t rate_per_s;             /* 0: no limit */
};

struct config_member {
    const char *name, *region, *address;
    int port;
    struct sockaddr_in to;
};

struct config_pool {
    const char *name;
    enum policy policy;
    const char **regions; /* order of preference */
    size_t region_count;
    struct config_member *members;
    size_t member_count;
    struct {
        const char *path;
        int64_t every_ms, timeout_ms;
        int unhealthy_after, healthy_after;
    } check;
    struct {
        int failures;
        int64_t eject_ms;
    } passive;
    int64_t connect_ms, try_ms, total_ms;
    int retries;
};

struct config_peer {
    const char *region;
    struct sockaddr_in to;
};

struct config_store {
    bool sync, degrade_async, home, has_witness;
    int64_t every_ms, degrade_after_ms, lease_ms, renew_ms, failback_hold_ms;
    int port;
    struct config_peer *peers;
    size_t peer_count;
    struct sockaddr_in witness;
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
    int64_t drain_ms;
    /* gateway */
    struct {
        int listen; /* 0: no TLS */
        const char *certificate, *key; /* files; a relative name begins at the configuration's folder */
        int64_t handshake_ms;
    } tls;
    struct config_alerts *alerts; /* NULL: nothing is watched */
    const char *access_log;       /* file; NULL: none */
    bool forced; /* may offer much less than the one before */
    struct config_route *routes;
    size_t route_count;
    struct config_pool *pools;
    size_t pool_count;
    struct {
        int64_t check_ms, revert_after_ms;
        bool revert;
    } drift;
    /* origin: one of the two */
    struct config_store *store;
    struct sockaddr_in *store_at;
    struct config_backup *backup; /* NULL: none are made */
    /* witness */
    int64_t lease_ms, grace_ms;
    const char *prefer;
    const char **regions;
    size_t region_count;
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
 * pointer; a failure is recorded with it. want_* return -1 on failure and leave *out at the default `otherwise` when the key is
 * absent (WANTED: it must be there).
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
int config_parse_watch(const struct config_place *top); /* config_alerts.c: of a gateway */
int config_parse_origin(struct config_place *top);
int config_parse_witness(struct config_place *top);
