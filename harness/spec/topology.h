/* SPDX-License-Identifier: MIT */
/*
 * The world on paper: sites, nodes, links, and how they are told apart by address.
 *
 * Built by topology.c from the scenario, const afterwards, owned by the plan's arena. Read by every room. A *site* is a
 * region, a vantage (where clients stand), the witness's third site or, where one leads clients, the traffic manager's;
 * each site has one router. A *node* is one host (one network namespace, one process). A *link* joins two routers:
 * region-region, region-vantage, region-witness, and the traffic manager to regions and vantages; vantages never talk
 * to each other nor to the witness. A *path* is one direction of a link. Everything refers to everything else by index
 * into these arrays.
 */
#pragma once
#include "harness/base/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOPO_NONE UINT16_MAX
#define TOPO_MAX_SITES 200 /* regions, vantages and the witness site; addresses 10.<site+1>.<node+1>.2/30 */
#define TOPO_MAX_ORIGINS 4 /* in a region */
#define TOPO_MAX_SOURCES 255         /* addresses of one client: its own and 10.<site+1>.254.1 to .254 */
#define TOPO_PORTS_PER_SOURCE 28232u /* a new network namespace has ip_local_port_range 32768 to 60999 */
#define TOPO_PORT_HTTP 8080
#define TOPO_PORT_HTTPS 8443 /* gateways, where the topology has TLS: what customers use then */
#define TOPO_PORT_REPLICATION 7001
#define TOPO_PORT_LEASE 7002
#define TOPO_PORT_CONTROL 7003 /* where gateways fetch what is desired of them, in a world with a control plane */
#define TOPO_PORT_ADMIN 9900
#define TOPO_PORT_DNS 53
#define TOPO_DNS_ZONE "drtest.test"
#define TOPO_DNS_NAME "api" /* what clients ask for, in the zone */

enum site_kind { SITE_REGION, SITE_VANTAGE, SITE_WITNESS, SITE_DNS };
enum region_role { REGION_PRIMARY, REGION_STANDBY, REGION_ACTIVE };
enum node_role { NODE_GATEWAY, NODE_ORIGIN, NODE_WITNESS, NODE_CLIENT, NODE_DNS, NODE_CONTROL };
/* What clients do with an answer of the DNS: keep it as long as it says, 30 s at least, or for ever. */
/* Or keep all addresses of it, as long as it says, and try the next when one cannot be connected to. */
enum dns_class { DNS_HONOURS, DNS_CLAMPS, DNS_PINS, DNS_SEVERAL, DNS_CLASSES };
extern const char *const topo_dns_words[]; /* NULL-terminated */

/* Which region the traffic manager's answer leads to: the first that is up, of an order that is the same for all;
 * one drawn for each answer, by weight; the first that is up, of an order that begins near the client. */
enum dns_routing { ROUTING_FAILOVER, ROUTING_WEIGHTED, ROUTING_GEOGRAPHIC };
extern const char *const topo_routing_words[]; /* NULL-terminated */

struct topo_site {
    const char *name;
    enum site_kind kind;
    enum region_role role;    /* regions only */
    uint16_t home;            /* vantages: index of the region they are near to */
    uint16_t first_node;      /* its nodes are first_node .. first_node + node_count - 1: gateways, origins, control */
    uint16_t node_count;
    uint16_t gateways, origins;
    uint16_t sources;         /* vantages: addresses of the client, 0 means 1 */
    enum dns_class dns;       /* vantages; told apart only where there is a traffic manager */
    int64_t weight;           /* regions: share of the answers where they are weighted */
};

struct topo_node {
    const char *name; /* "us-east/1" a gateway, "us-east/origin-1", "us-east/control-1", "witness/1",
                       * "clients-us-east/1" */
    enum node_role role;
    uint16_t site;
    uint16_t number;  /* 1.. within its role and site */
    char address[16]; /* dotted IPv4 */
};

/* How the jitter of a delay is drawn; jitter_ns is half the width of the uniform one and the standard deviation of the
 * others, before they are cut at four of them (which leaves 0.74 of Pareto's). */
enum path_spread { SPREAD_UNIFORM, SPREAD_NORMAL, SPREAD_PARETO };

/* What becomes of packets that are let through no more: no word, a TCP reset (ICMP "port unreachable" for
 * datagrams), or ICMP "network unreachable". The first word is the strongest. Half is only read back: something of
 * it is missing. */
enum gate_way { GATE_DROP, GATE_REFUSE, GATE_UNREACHABLE, GATE_HALF };

/* A gate stands where packets enter a path: in the way of all, or of those of one TCP port, asking and answering. All
 * without a word is no gate but a cut. */
struct path_gate {
    uint16_t port; /* 0: all */
    enum gate_way way;
};
#define PATH_GATES_MAX 8

/* What a path does to the packets that it lets through. Of a merge too. */
#define PATH_SHAPE                                                                                                  \
    int64_t delay_ns, jitter_ns;                                                                                    \
    enum path_spread spread;                                                                                        \
    int64_t jitter_correlation_ppm; /* each draw leans this far on the one before */                                \
    int64_t loss_ppm;                                                                                               \
    int64_t burst_milli; /* mean length of a lossy spell in thousandths of a packet; 0: losses are independent */   \
    int64_t burst_loss_ppm, calm_loss_ppm; /* share lost within a spell, and between spells; only beside a burst */ \
    int64_t duplicate_ppm, corrupt_ppm;                                                                             \
    int64_t reorder_ppm, reorder_gap; /* of packets that may overtake: gap - 1 others come between (0: as 1) */     \
    int64_t rate_bps;                                                                                               \
    int64_t limit_packets; /* the queue of the path holds so many, delayed ones included; more are lost */          \
    int64_t mtu_bytes;     /* longer IP packets vanish without a word */

struct path_shape {
    PATH_SHAPE
};

/* Packets of one port, asking and answering, of TCP or UDP, meet this as well, on top of what the path does to all. */
#define PATH_LANES_MAX 4
struct path_lane {
    uint16_t port;
    struct path_shape shape;
};

/* What a path does to packets: the baseline of a link, the wish of a fault, and the merged wanted state alike.
 * All zeros is a perfect wire; a rate, limit or mtu of 0 means none. Shares are long-run means over packets. How layers
 * merge, and what a burst means packet by packet: harness/lab/shape.h. */
struct path_state {
    bool cut;
    bool down;                      /* unplugged: the router's device that the path leaves by is down */
    bool block_new;                 /* the first packet of each TCP connection vanishes without a word */
    bool stalled;                   /* packets are held, all of them, until it no longer is */
    union {
        struct path_shape shape;
        struct {
            PATH_SHAPE
        };
    };
    uint16_t gate_count;
    struct path_gate gates[PATH_GATES_MAX]; /* in the order in which they are tried: ports from high to low, then all */
    uint16_t lane_count;
    struct path_lane lanes[PATH_LANES_MAX]; /* by port */
};

/* Do packets of a TCP port (0: of none that a gate names) get through at all? */
static inline bool path_passes(const struct path_state *s, uint16_t port)
{
    for (uint16_t i = 0; i < s->gate_count; i++) {
        if (s->gates[i].port == 0 || s->gates[i].port == port) {
            return false;
        }
    }
    return !s->cut;
}

/* The longest that a packet may take, other traffic apart: what a spread adds
 * at most, and a full queue before a rate. */
static inline int64_t path_slowest_ns(const struct path_state *s)
{
    int64_t spread = s->spread == SPREAD_UNIFORM ? s->jitter_ns : 4 * s->jitter_ns;
    int64_t full_bits = s->rate_bps > 0 ? s->limit_packets * 1514 * 8 : 0;
    return s->delay_ns + spread + (full_bits > 0 ? full_bits * 1000000 / s->rate_bps * 1000 : 0);
}

/* A gateway's certificate, and what is wrong with it; the rotated one is a new one with nothing wrong. */
enum certificate {
    CERTIFICATE_NONE,
    CERTIFICATE_ROTATED,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_NOT_YET_VALID,
    CERTIFICATE_WRONG_NAME,
    CERTIFICATE_UNKNOWN_ISSUER,
    CERTIFICATE_NO_CHAIN,
    CERTIFICATES
};
extern const char *const certificate_words[CERTIFICATES + 1]; /* as scenarios say them; "" for none, NULL at the end */

struct topo_link {
    uint16_t a, b; /* sites */
    struct path_state baseline;
};

/* path = 2 * link + (0: a to b, 1: b to a) */
static inline uint16_t path_of(uint16_t link, bool backward)
{
    return (uint16_t)(2 * link + (backward ? 1 : 0));
}

/* What the lease (unhealthy_after * probe_every) and the hold of a returned region (healthy_after * probe_every) may
 * be; the witness waits for two leases, and no time of the reference gateway is longer than ten minutes. */
#define TOPO_MIN_LEASE_NS INT64_C(30000000)
#define TOPO_MAX_LEASE_NS INT64_C(300000000000)
#define TOPO_MAX_HOLD_NS INT64_C(600000000000)

struct topo_failover {
    int64_t probe_every_ns, probe_timeout_ns;
    int64_t unhealthy_after, healthy_after;
    int64_t dns_ttl_ns;
    bool failsafe; /* a leader whom the witness does not answer asks all its peers instead */
};

enum replication_mode { REPLICATION_ASYNC, REPLICATION_SYNC };
enum replication_degrade { DEGRADE_ASYNC, DEGRADE_BLOCK };
enum replication_durability { DURABILITY_OS, DURABILITY_DISK };

/* What gateways raise an alert about by themselves; NONE is no rule. */
enum topo_alert { TOPO_ALERT_NONE, TOPO_ALERT_SLOW, TOPO_ALERT_ERRORS, TOPO_ALERT_TRAFFIC };
extern const char *const topo_alert_words[]; /* "" for none, NULL at the end */

struct topo_alerts {
    int64_t window_ns, after;           /* a rule broken in so many windows in a row */
    int64_t slow_ppm, slow_least_ns;    /* p99 above so many times the usual one, and above it by so much */
    int64_t errors_ppm, traffic_ppm;    /* share of the answers; times the usual rate, or the inverse */
    unsigned rules;                     /* an or of 1u << enum topo_alert */
};

struct topo_backups { /* of the leading store's log; all zeros: none are made */
    int64_t every_ns;
    int64_t copies; /* the log itself, one on a second medium of its region, one in every other region */
};

struct topo_replication {
    enum replication_mode mode;
    int64_t every_ns;
    enum replication_degrade degrade;
    enum replication_durability durability;
};

enum balance_policy { BALANCE_ROUND_ROBIN, BALANCE_WEIGHTED, BALANCE_LEAST_CONN, BALANCE_IP_HASH, BALANCE_FIRST };
enum balance_hash { BALANCE_RENDEZVOUS, BALANCE_MODULO };
enum balance_panic { PANIC_NEVER, PANIC_ASK_ALL, PANIC_REFUSE };

struct field_texts { /* a list of words, as tables of keys bind it (field.h) */
    const char **at;
    size_t len;
};

struct topo_breaker {
    int64_t failures, open_ns, probes;
    struct field_texts triggers; /* none: all */
};

/* How gateways share out requests among origins. */
struct topo_balancing {
    enum balance_policy policy;
    enum balance_hash hash;
    bool user_is_key; /* a user of ip_hash: the key asked for, else the client's address */
    struct field_texts weights;       /* as written */
    int64_t weight[TOPO_MAX_ORIGINS]; /* of the origins of each region by number, from 1; 0: as 1 */
    bool spill_over, deep_checks;
    int64_t eject_after;
    enum balance_panic panic;
    bool has_breaker;
    struct topo_breaker breaker;
    int64_t retries, in_flight;
};

struct topo_capacity {
    int64_t rate_micro, slots, queue; /* of each origin */
};

/* What a gateway does when it runs another configuration than is desired. */
enum drift_policy { DRIFT_REVERT, DRIFT_ALERT, DRIFT_QUARANTINE };

/* A control endpoint in each region, from which gateways fetch what is desired of them. */
struct topo_control {
    bool there;                /* else each gateway has it in a file beside it */
    int64_t wait_ns;           /* how long an endpoint holds a question to which it has no news */
    bool fallback;             /* gateways know the endpoint of another region, too */
    enum drift_policy drift;
    int64_t stale_after_ns;    /* without a word from any endpoint */
    bool refuse_stale;         /* a gateway out of touch for that long serves no more */
};

/* Origins as instances that are started when requests come. */
struct topo_scaling {
    bool there;                /* else an origin takes whatever comes */
    int64_t cold_start_ns, warm_up_ns, idle_after_ns;
    int64_t per_instance;      /* requests in flight that one instance takes */
    int64_t most, least, standby; /* instances of an origin: at most; at least; at least in a standby region */
};

/* Who looks after the processes of gateways, and starts those again that fail his probe. */
struct topo_liveness {
    bool there;
    const char *path;
    int64_t every_ns, timeout_ns, failures, backoff_ns;
};

/* Who may call: ordinary customers; who holds the key that a `revoke` step revokes; who sends more than his limit. */
enum caller { CALLER_CUSTOMER, CALLER_LEAKED, CALLER_BULK, CALLERS };
struct topo_caller {
    const char *name, *secret, *key; /* key: as he shows it, NAME.SECRET */
};

/* Tokens instead of keys: signed by the customers themselves, with a key of the run's. Whole seconds. */
#define TOPO_AUDIENCE "drtest" /* for whom tokens are */
struct topo_tokens {
    bool there;
    enum token_algorithm algorithm;
    int64_t lifetime_ns;
    int64_t leeway_ns; /* by how much clocks may be apart, as gateways have it */
};

enum stale_policy { STALE_FAIL_STATIC, STALE_FAIL_CLOSED };
struct topo_identity {
    bool asked; /* gateways want to know who calls */
    struct topo_tokens tokens;
    enum stale_policy when_stale;
    int64_t stale_after_ns;
    int64_t patrol_micro; /* requests per second * 1e6 at each gateway with the key that can be revoked; 0 none */
};

/* How often. */
enum limits_mode { LIMITS_LOCAL, LIMITS_DIVIDED, LIMITS_SHARED };
struct topo_limits {
    bool given;
    enum limits_mode mode;
    int64_t rate_micro;    /* of the limited key, over all gateways */
    int64_t offered_micro; /* what is sent with it at each gateway */
};

struct topology {
    const char *name; /* a bundled topology's name, or "inline" */
    struct topo_site *sites;
    struct topo_node *nodes;
    struct topo_link *links;
    size_t site_count, node_count, link_count;
    uint16_t primary;               /* site index of the primary region */
    uint16_t *endpoints;            /* gateways in the order in which clients try them: primary's first */
    size_t endpoint_count;
    struct topo_failover failover;
    struct topo_replication replication;
    struct topo_balancing balancing;
    bool has_capacity;              /* origins can do only so much */
    struct topo_capacity capacity;
    struct topo_backups backups;
    struct topo_alerts alerts;
    bool tls;                       /* customers speak https */
    enum dns_routing routing;       /* of the traffic manager */
    struct topo_control control;
    struct topo_scaling scaling;
    struct topo_liveness liveness;
    struct topo_identity identity;
    struct topo_limits limits;
    struct topo_caller callers[CALLERS]; /* set by the plan, where gateways ask */
    bool access_log;                     /* gateways write down every request */
    const char **flaws;             /* deliberate weaknesses switched on in the reference gateway */
    size_t flaw_count;
};

/* How long checks take to find something gone: unhealthy_after * probe_every, in whole milliseconds. */
static inline int64_t topo_detect_ms(const struct topology *t)
{
    return (t->failover.probe_every_ns * t->failover.unhealthy_after + 999999) / 1000000;
}
/* The lease of the leading store, as long as that but three seconds at most, and how often its holder renews it: each
 * probe_every, but three times in a lease at least. Whole milliseconds, as programs are told. */
static inline int64_t topo_lease_ms(const struct topology *t)
{
    int64_t detect = topo_detect_ms(t);
    return detect < 3000 ? detect : 3000;
}
static inline int64_t topo_renew_ms(const struct topology *t)
{
    int64_t every = (t->failover.probe_every_ns + 999999) / 1000000, third = topo_lease_ms(t) / 3;
    int64_t renew = every < third ? every : third;
    return renew > 0 ? renew : 1;
}
/* The port on which a node of this role serves. */
static inline uint16_t topo_service_port(enum node_role role)
{
    return role == NODE_WITNESS ? TOPO_PORT_LEASE : role == NODE_CONTROL ? TOPO_PORT_CONTROL : TOPO_PORT_HTTP;
}

/* The key of a caller, which is what he shows unless there are tokens; NULL: nobody asks. */
static inline const char *topo_key(const struct topology *t, enum caller who)
{
    return t->callers[who].key;
}
/* What revocations and limits call a caller is this, a colon, and his name. */
static inline const char *topo_subject_kind(const struct topology *t)
{
    return t->identity.tokens.there ? "sub" : "key";
}
/* The port of a gateway that customers use. */
static inline uint16_t topo_customer_port(const struct topology *t)
{
    return t->tls ? TOPO_PORT_HTTPS : TOPO_PORT_HTTP;
}
/* How long a node that was told to stop goes on serving while /readyz says no: until every client has seen it. */
static inline int64_t topo_drain_ms(const struct topology *t)
{
    int64_t seen = topo_detect_ms(t) + (t->failover.probe_every_ns + t->failover.probe_timeout_ns + 999999) / 1000000;
    return seen < 500 ? 500 : seen > 600000 ? 600000 : seen;
}

/* The control endpoint of a region; TOPO_NONE: it has none. */
static inline uint16_t topo_control_node(const struct topology *t, uint16_t site)
{
    const struct topo_site *s = &t->sites[site];
    uint16_t last = (uint16_t)(s->first_node + s->node_count - 1);
    return s->node_count > 0 && t->nodes[last].role == NODE_CONTROL ? last : TOPO_NONE;
}
/* The node of the traffic manager; TOPO_NONE: clients have the ordered list of endpoints instead. */
uint16_t topo_dns_node(const struct topology *t);
/* gdnsd counts in whole seconds and checks every other second at the quickest; a
 * check must end before the next begins. */
static inline int64_t topo_dns_every_s(const struct topology *t)
{
    int64_t s = (t->failover.probe_every_ns + 999999999) / 1000000000;
    return s < 2 ? 2 : s;
}
static inline int64_t topo_dns_timeout_s(const struct topology *t)
{
    int64_t s = (t->failover.probe_timeout_ns + 999999999) / 1000000000, most = topo_dns_every_s(t) - 1;
    return s < 1 ? 1 : s > most ? most : s;
}
/* The longest time between two looks at the health of what clients are led to: a probe of their own, or a check. */
static inline int64_t topo_check_every_ns(const struct topology *t)
{
    return topo_dns_node(t) == TOPO_NONE ? t->failover.probe_every_ns : topo_dns_every_s(t) * 1000000000;
}

/* The regions, nearest first, as clients of a vantage are led where routing is geographic: its home, the others by the
 * delay of the link to them and, where that is equal, in the order of the file. Returns how many. */
size_t topo_regions_near(const struct topology *t, uint16_t vantage, uint16_t out[TOPO_MAX_SITES]);

/* Addresses that so many ports take, 1..; 0: more than a client can have. */
uint16_t topo_sources_for(uint64_t ports);
/* The i-th address (1..) that a vantage's client has beside its own, in host byte order: 10.<site+1>.254.<i>. */
static inline uint32_t topo_source(uint16_t site, uint16_t i)
{
    return 10u << 24 | (site + 1u) << 16 | 254u << 8 | i;
}

/* TOPO_NONE where there is none. */
uint16_t topo_site_find(const struct topology *t, const char *name);
uint16_t topo_node_find(const struct topology *t, const char *name);
uint16_t topo_link_find(const struct topology *t, uint16_t site_a, uint16_t site_b);
static inline uint16_t path_from(const struct topology *t, uint16_t path)
{
    return path % 2 ? t->links[path / 2].b : t->links[path / 2].a;
}
static inline uint16_t path_to(const struct topology *t, uint16_t path)
{
    return path % 2 ? t->links[path / 2].a : t->links[path / 2].b;
}
