/* SPDX-License-Identifier: MIT */
/*
 * dns: the traffic manager leads clients astray, or not at all. Whoever keeps its last answer notices when that runs
 * out; connections that are open notice nothing.
 *
 *     silent            its process is stopped (as by freeze): queries run into their time-out
 *     slow              what it sends to the vantages is delayed
 *     nxdomain, empty   the zone is rewritten and loaded: no such name; a name without an address
 *     other             the address of nobody
 *     stale             its checks count for nothing: what was up stays up, in the answers
 *     ttl               how long clients may keep an answer, alone or beside one of the three above
 *
 * The document from which its files are made is journalled before it is changed, and put back by the heal while it
 * still is what we wrote.
 *
 * `name` hits the name of one region instead, which clients do not ask for: the control of the control.
 *
 * Proven by asking the server itself: its document reads back as written, the clients' name is answered as asked for,
 * and another name of the zone, which no fault touches, still is what it was. Of `stale` the answer shows nothing until
 * a region fails; there the document read back is the proof, and the answer that the name still has. silent and slow
 * are proven from a vantage, with a gateway that still answers as the control.
 */
#include "harness/lab/gdnsd.h"
#include "injectors/hold.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One heap block, since the conductor frees it as one. */
struct dns_state {
    struct look_round round;
    char becomes[SHA256_HEX]; /* the changed document; empty: none was written */
    char original[];          /* the document before */
};

static const char *const answer_words[] = {"", "silent", "nxdomain", "empty", "other", "stale", NULL};

static const struct field dns_fields[] = {
    {.key = "answer",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, answer),
     .words = answer_words,
     .choice = FIELD_SOME,
     .example = "silent",
     .doc = "none at all, no such name, no address, the address of nobody, or what the checks said before"},
    {.key = "name",
     .kind = FIELD_NAME,
     .offset = offsetof(struct action, name),
     .example = "us-east",
     .doc = "the name that is hit: api, which clients ask for (also if absent), or that of a region"},
    {.key = "ttl",
     .kind = FIELD_DURATION,
     .offset = offsetof(struct action, ttl_ns),
     .choice = FIELD_SOME,
     .min = NS_PER_S,
     .max = 86400 * NS_PER_S,
     .example = "60s",
     .doc = "how long clients may keep an answer, in whole seconds"},
    {.key = "slow",
     .kind = FIELD_DURATION,
     .offset = offsetof(struct action, slow_ns),
     .choice = FIELD_SOME,
     .min = 10 * NS_PER_MS,
     .max = 10 * NS_PER_S,
     .example = "2s",
     .doc = "every answer takes so long to get to the vantages"},
};

static bool dns_objects(const struct action *a, char why[ACTION_WHY])
{
    bool zone = (a->answer != DNS_LIVE && a->answer != DNS_SILENT) || a->ttl_ns;
    const char *said = a->ttl_ns % NS_PER_S                  ? "`ttl` is not a number of whole seconds"
                       : a->answer == DNS_SILENT && a->ttl_ns ? "a silent server says no `ttl`"
                       : a->slow_ns && (zone || a->answer)    ? "`slow` is a step of its own"
                       : a->name && (!zone || a->answer == DNS_STALE)
                           ? "`name` goes with `nxdomain`, `empty`, `other` or `ttl`: the rest hits every name"
                                                              : NULL;
    snprintf(why, ACTION_WHY, "%s", said ? said : "");
    return said != NULL;
}

static enum lab_effect dns_effect(const struct action *a)
{
    return a->slow_ns ? EFFECT_DEGRADE : EFFECT_DNS;
}

static struct dns_state *state_of(const struct injection *in)
{
    return (struct dns_state *)(void *)in->state;
}

static const char *word_of(const struct action *a)
{
    return a->answer == DNS_LIVE ? "live" : answer_words[a->answer];
}

static const char *name_of(const struct action *a)
{
    return a->name ? a->name : TOPO_DNS_NAME;
}

/* What the server is to do from now on. */
static json_t *changed(const struct action *a, const json_t *original)
{
    json_t *doc = json_deep_copy(original);
    json_object_set_new(doc, "answer", json_string(word_of(a)));
    json_object_set_new(doc, "hit", json_string(name_of(a)));
    json_object_set_new(doc, "serial", json_integer(json_integer_value(json_object_get(doc, "serial")) + 1));
    if (a->ttl_ns) {
        json_object_set_new(doc, "ttl", json_integer(a->ttl_ns / NS_PER_S));
    }
    return doc;
}

static int write_document(struct injection *in, const json_t *doc, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_free char *bytes = json_canonical(doc);
    struct lab_file file = {.state = LAB_FILE_READABLE, .mode = 0600};
    text_add(&file.bytes, bytes);
    int rc = lab->ops->node_file_set(lab, in->action->node, &file, e);
    text_deinit(&file.bytes);
    return rc;
}

static int rewrite(struct injection *in, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_json json_t *original = NULL;
    if (lab->ops->node_config_get(lab, in->action->node, &original, e) != 0) {
        return -1;
    }
    scoped_json json_t *doc = changed(in->action, original);
    scoped_free char *bytes = json_canonical(original);
    struct dns_state *s = xcalloc(1, sizeof(*s) + strlen(bytes) + 1);
    memcpy(s->original, bytes, strlen(bytes) + 1);
    json_fingerprint(doc, s->becomes);
    in->state = (char *)s;
    return write_document(in, doc, e);
}

/* The path by which answers get to a vantage; TOPO_NONE for other sites. */
static uint16_t path_to_vantage(const struct injection *in, uint16_t site)
{
    const struct topology *t = fabric_topology(in->fabric);
    uint16_t own = t->nodes[in->action->node].site;
    uint16_t link = t->sites[site].kind == SITE_VANTAGE ? topo_link_find(t, own, site) : TOPO_NONE;
    return link == TOPO_NONE ? TOPO_NONE : path_of(link, t->links[link].b == own);
}

static int slow_down(struct injection *in, struct err *e)
{
    const struct path_state wish = {.delay_ns = in->action->slow_ns};
    for (uint16_t site = 0; site < fabric_topology(in->fabric)->site_count; site++) {
        uint16_t path = path_to_vantage(in, site);
        if (path != TOPO_NONE && fabric_lay(in->fabric, in->fault, path, &wish, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int dns_apply(struct injection *in, struct err *e)
{
    if (in->action->slow_ns) {
        return slow_down(in, e);
    }
    return in->action->answer == DNS_SILENT ? hold_apply(in, HOLD_FROZEN, e) : rewrite(in, e);
}

static int put_back(struct injection *in, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    struct dns_state *s = state_of(in);
    char now[SHA256_HEX];
    scoped_json json_t *doc = NULL, *original = json_read(s->original, strlen(s->original), "journal of the zone", e);
    if (!original || lab->ops->node_config_get(lab, in->action->node, &doc, e) != 0) {
        return -1;
    }
    json_fingerprint(doc, now);
    return strcmp(now, s->becomes) == 0 ? write_document(in, original, e) : 0;
}

static int dns_heal(struct injection *in, struct err *e)
{
    int rc = fabric_lift(in->fabric, in->fault, e) | fabric_release(in->fabric, in->fault, e);
    bool rewritten = in->state && in->action->answer != DNS_SILENT && !in->action->slow_ns;
    return rewritten ? rc | put_back(in, e) : rc;
}

__attribute__((format(printf, 3, 4))) static enum proof say(struct injection *in, enum proof proof, const char *format,
                                                            ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(in->method, sizeof(in->method), format, args);
    va_end(args);
    return proof;
}

/* Does the name say what it should? NULL: yes, else what it says instead. */
static const char *differs(const struct action *a, bool healed, const struct look *l)
{
    bool addresses = l->status == 200 && l->rcode == 0 && l->answer[0] && strcmp(l->answer, GDNSD_NOWHERE) != 0;
    enum dns_answer wanted = healed ? DNS_LIVE : a->answer;
    bool right = wanted == DNS_NXDOMAIN ? l->status == 200 && l->rcode == 3
                 : wanted == DNS_EMPTY  ? l->status == 200 && l->rcode == 0 && !l->answer[0]
                 : wanted == DNS_OTHER  ? strcmp(l->answer, GDNSD_NOWHERE) == 0
                                        : addresses;
    int64_t ttl_s = a->ttl_ns / NS_PER_S; /* gdnsd halves it while a gateway is down */
    bool keeps = healed || !ttl_s || !l->answer[0] || l->ttl == ttl_s || l->ttl == ttl_s / 2;
    return !right ? (l->status != 200 ? "no answer" : l->rcode ? "an error" : l->answer[0] ? l->answer : "no address")
           : keeps ? NULL
                   : "another time to live";
}

static bool reads_back(struct injection *in, bool healed)
{
    struct lab *lab = fabric_lab(in->fabric);
    struct dns_state *s = state_of(in);
    char now[SHA256_HEX];
    scoped_json json_t *doc = NULL;
    if (lab->ops->node_config_get(lab, in->action->node, &doc, NULL) != 0) {
        return false;
    }
    json_fingerprint(doc, now);
    return (strcmp(now, s->becomes) == 0) != healed;
}

static enum proof judge_zone(struct injection *in, bool healed)
{
    const struct look *name = &state_of(in)->round.at[0], *control = &state_of(in)->round.at[1];
    const char *instead = differs(in->action, healed, name);
    if (!reads_back(in, healed)) {
        return say(in, healed ? PROOF_PENDING : PROOF_REFUTED, "its document is not %s",
                   healed ? "what it was" : "what was written");
    }
    if (strcmp(control->answer, GDNSD_CONTROL_ADDRESS) != 0) {
        return say(in, healed ? PROOF_PENDING : PROOF_REFUTED,
                   "a name that was not touched brings %.40s instead of its address",
                   control->answer[0] ? control->answer : "none");
    }
    if (instead) {
        return say(in, healed ? PROOF_PENDING : PROOF_REFUTED, "the name brings %.90s", instead);
    }
    return say(in, PROOF_PROVEN, "asked itself, it says %.60s for %.30s, and what it said for another name",
               healed || in->action->answer == DNS_LIVE || in->action->answer == DNS_STALE ? name->answer
                                                                                           : word_of(in->action),
               name_of(in->action));
}

static enum proof prove_zone(struct injection *in, bool healed)
{
    struct dns_state *s = state_of(in);
    uint16_t node = in->action->node;
    if (!s) {
        return say(in, healed ? PROOF_PROVEN : PROOF_REFUTED, "%s", "its document was not changed");
    }
    enum proof stand = look_round_stand(&s->round, healed);
    if (stand != PROOF_REFUTED) {
        return stand == PROOF_PROVEN ? judge_zone(in, healed) : stand;
    }
    char target[64];
    snprintf(target, sizeof(target), "/%.60s", name_of(in->action));
    look_round_new(&s->round);
    bool asked = look_round_call(&s->round, in->fabric, node, "GET", target, NULL, NULL) == 0 &&
                 look_round_call(&s->round, in->fabric, node, "GET", "/" GDNSD_CONTROL_NAME, NULL, NULL) == 0;
    return asked ? PROOF_PENDING : PROOF_REFUTED;
}

static bool silent_knock(const struct fabric *f, uint16_t node, enum knock k)
{
    (void)f;
    (void)node;
    return k == KNOCK_SILENT;
}

static bool path_is_slow(struct injection *in, uint16_t site)
{
    struct lab *lab = fabric_lab(in->fabric);
    uint16_t path = path_to_vantage(in, site);
    struct path_state actual = {0};
    return path == TOPO_NONE ||
           (lab->ops->path_get(lab, path, &actual, NULL) == 0 && actual.delay_ns >= in->action->slow_ns);
}

static enum proof prove_slow(struct injection *in)
{
    struct look_round *r = look_round_of(in);
    for (uint16_t site = 0; site < fabric_topology(in->fabric)->site_count; site++) {
        if (!path_is_slow(in, site)) {
            return say(in, PROOF_REFUTED, "the way to %.60s is not slow",
                       fabric_topology(in->fabric)->sites[site].name);
        }
    }
    enum proof stand = look_round_stand(r, false);
    if (stand == PROOF_PENDING) {
        return stand;
    }
    uint16_t nodes[2] = {in->action->node, target_bystander(in->fabric, &in->action->node, 1)};
    if (stand == PROOF_REFUTED) {
        return look_round_knock(r, in->fabric, nodes, nodes[1] == TOPO_NONE ? 1 : 2) ? PROOF_PENDING : PROOF_REFUTED;
    }
    bool control = r->n < 2 || (r->at[1].status == KNOCK_ANSWERED && r->at[1].took_ns < in->action->slow_ns);
    bool late = r->at[0].status == KNOCK_ANSWERED && r->at[0].took_ns >= in->action->slow_ns;
    char took[UNIT_MAX];
    return say(in, late && control ? PROOF_PROVEN : PROOF_REFUTED,
               control ? "from a vantage its answer takes %s" : "others answer late as well (%s)",
               unit_print_duration(r->at[0].took_ns / NS_PER_MS * NS_PER_MS, took));
}

static enum proof dns_prove(struct injection *in, bool healed)
{
    static const struct hold_expectation silent = {
        .state = NODE_FROZEN, .knock_fits = silent_knock, .proven = "stopped (state T)"};
    bool rewritten = !in->action->slow_ns && in->action->answer != DNS_SILENT;
    if (rewritten) {
        return prove_zone(in, healed);
    }
    return healed ? hold_prove_healed(in) : in->action->slow_ns ? prove_slow(in) : hold_prove(in, &silent);
}

static int64_t dns_proof_bound_ns(const struct action *a)
{
    return 2 * NS_PER_S + 3 * a->slow_ns;
}

const struct injector injector_dns = {
    .type = {.verb = "dns",
             .summary = "the traffic manager is silent, slow or wrong",
             .class = ACTION_FAULT,
             .targets = TARGET_DNS,
             .fields = dns_fields,
             .field_count = sizeof(dns_fields) / sizeof(dns_fields[0]),
             .severing = true,
             .proof_bound_ns = dns_proof_bound_ns,
             .objects = dns_objects},
    .apply = dns_apply,
    .heal = dns_heal,
    .prove = dns_prove,
    .effect = EFFECT_DNS,
    .effect_of = dns_effect,
};
