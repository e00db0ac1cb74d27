/* SPDX-License-Identifier: MIT */
/*
 * The node begins to serve only when its role is open, and stops in the reverse order. Draining: /readyz says 503 at
 * once, requests are served for drain_ms more (so that whoever asks /readyz can turn away), each answer ending its
 * connection, then the listener closes and the exchanges under way finish, for at most finish_ms. What is open then is
 * counted and cut off. The flaw drain_ignored skips all of that but the counting.
 *
 * A new configuration is parsed and checked before anything is touched; the role may refuse it, too. Identity and
 * ports cannot change while the process lives. Each reload reads the certificate again: one that cannot be used is a
 * reason to refuse all of it. A patch replaces what runs and leaves no trace on disk: the next start knows nothing of
 * it.
 */
#include "gateway-under-test/node.h"

#include "gateway-under-test/own.h"
#include "gateway-under-test/tls.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define FINISH_STEP_MS 20

static const struct role_ops *const roles[] = {
    [ROLE_GATEWAY] = &gateway_ops, [ROLE_ORIGIN] = &origin_ops, [ROLE_WITNESS] = &witness_ops,
    [ROLE_CONTROL] = &control_ops};

void node_log(const struct node *n, const char *fmt, ...)
{
    char when[32], line[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "%s %s: %s\n", clock_rfc3339(wall_ns(&n->wall), when), n->config->node, line);
}

void node_serve(struct node *n, struct exchange *x)
{
    if (node_answer_health(n, x))
        return;
    n->counters[COUNTER_requests]++;
    x->told = true;
    n->ops->handle(n, x);
}

static void on_answered(void *ctx, struct exchange *x, int status, size_t len)
{
    struct node *n = ctx;
    n->counters[COUNTER_errors] += status >= 500;
    if (n->ops->answered != NULL)
        n->ops->answered(n, x, status, len);
}

static void on_sign(void *ctx, const struct exchange *x, struct text *out)
{
    struct node *n = ctx;
    n->ops->sign(n, x, out);
}

/* What the role has to do with every answer of a port that serves. */
static void watch_answers(struct node *n, struct server *s)
{
    s->answered = on_answered;
    s->sign = n->ops->sign != NULL ? on_sign : NULL;
}

static void on_service(void *ctx, struct exchange *x)
{
    struct node *n = ctx;
    if (n->ops->takes == NULL || !n->ops->takes(n, x))
        node_serve(n, x);
}

static void on_admin(void *ctx, struct exchange *x)
{
    struct node *n = ctx;
    if (!node_answer_health(n, x))
        node_answer_admin(n, x);
}

static int unfinished(const struct node *n)
{
    return n->service.open + n->secure.open;
}

static void stop_accepting(struct node *n)
{
    server_stop_accepting(&n->service);
    server_stop_accepting(&n->secure);
}

/* However it went, the process ends well: it was told to go. */
static void stop(struct node *n)
{
    int left = unfinished(n);
    n->counters[COUNTER_drain_aborted] += left;
    if (left > 0)
        node_log(n, "cut off unfinished: %d", left);
    n->stop = true;
}

static void on_drain(struct loop_timer *t, int64_t now)
{
    struct node *n = owner_of(t, struct node, drain_timer);
    stop_accepting(n);
    if (unfinished(n) == 0 || now >= n->drain_until)
        stop(n);
    else
        loop_timer_set(n->loop, t, now + FINISH_STEP_MS * NS_PER_MS);
}

void node_beside_config(const struct node *n, const char *name, struct text *path)
{
    const char *slash = name[0] == '/' ? NULL : strrchr(n->config_path, '/');
    text_addf(path, "%.*s%s", slash ? (int)(slash + 1 - n->config_path) : 0, n->config_path, name);
}

/* NULL without TLS. */
static int read_identity(const struct node *n, const struct config *c, struct tls_identity **out, struct err *e)
{
    *out = NULL;
    if (c->tls.listen == 0)
        return 0;
    scoped_text struct text certificate = {0}, key = {0};
    node_beside_config(n, c->tls.certificate, &certificate);
    node_beside_config(n, c->tls.key, &key);
    return tls_identity_open(out, text_str(&certificate), text_str(&key), e);
}

static void show_identity(struct node *n, struct tls_identity *take)
{
    server_secure(&n->secure, take);
    tls_identity_close(n->identity);
    n->identity = take;
}

static int open_secure(struct node *n, struct err *e)
{
    struct server_limits limits = server_defaults;
    struct tls_identity *identity;
    if (n->config->tls.listen == 0)
        return 0;
    limits.handshake_ms = n->config->tls.handshake_ms;
    if (read_identity(n, n->config, &identity, e) < 0)
        return -1;
    if (server_open(&n->secure, n->loop, n->config->tls.listen, &limits, on_service, n, e) < 0) {
        tls_identity_close(identity);
        return -1;
    }
    watch_answers(n, &n->secure);
    show_identity(n, identity);
    return 0;
}

static void close_ports(struct node *n)
{
    server_close(&n->service);
    server_close(&n->secure);
    server_close(&n->admin);
    tls_identity_close(steal(&n->identity));
}

int node_open(struct node *n, struct loop *l, struct config *config, struct err *e)
{
    n->loop = l;
    n->config = config;
    n->ops = roles[config->role];
    n->started_ns = loop_now(l);
    n->drain_timer.due = on_drain;
    memcpy(n->applied, config->fingerprint, sizeof(n->applied));
    rng_init(&n->rng, rng_entropy_seed(), config->node);
    if (server_open(&n->admin, l, config->admin, &server_defaults, on_admin, n, e) < 0)
        return -1;
    if (server_open(&n->service, l, config->listen, &server_defaults, on_service, n, e) < 0 || open_secure(n, e) < 0 ||
        n->ops->open(n, e) < 0) {
        close_ports(n);
        return -1;
    }
    watch_answers(n, &n->service);
    return 0;
}

void node_close(struct node *n)
{
    n->ops->close(n);
    loop_timer_stop(&n->drain_timer);
    close_ports(n);
    config_free(n->config);
}

void node_drain(struct node *n)
{
    if (n->draining)
        return;
    n->draining = true;
    if (config_flaw(n->config, FLAW_drain_ignored)) {
        stop_accepting(n);
        stop(n);
        return;
    }
    int64_t quiet = loop_now(n->loop) + n->config->drain_ms * NS_PER_MS;
    n->drain_until = quiet + n->config->finish_ms * NS_PER_MS;
    server_drain(&n->service);
    server_drain(&n->secure);
    node_log(n, "draining");
    loop_timer_set(n->loop, &n->drain_timer, quiet);
}

/* Takes next on success only. */
static int take_over(struct node *n, struct config *next, struct err *e)
{
    const struct config *now = n->config;
    if (strcmp(next->node, now->node) != 0 || strcmp(next->region, now->region) != 0 || next->role != now->role ||
        next->listen != now->listen || next->admin != now->admin || next->tls.listen != now->tls.listen)
        return err_set(e, ERR_MEANING, "configuration",
                       "node, role, region and ports cannot change in a running process");
    struct tls_identity *identity;
    if (read_identity(n, next, &identity, e) < 0)
        return -1;
    if (n->ops->reload != NULL && n->ops->reload(n, next, e) < 0) {
        tls_identity_close(identity);
        return -1;
    }
    if (identity != NULL)
        show_identity(n, identity);
    config_free(n->config);
    n->config = next;
    n->counters[COUNTER_reloads]++;
    node_log(n, "running configuration %.12s", next->fingerprint);
    return 0;
}

int node_adopt(struct node *n, struct config *next, struct err *e)
{
    if (take_over(n, next, e) < 0)
        return -1;
    memcpy(n->applied, next->fingerprint, sizeof(n->applied));
    if (n->ops->applied != NULL)
        n->ops->applied(n);
    return 0;
}

int node_patch(struct node *n, json_t *doc, struct err *e)
{
    struct config *next = NULL;
    if (config_parse(doc, "request", &next, e) == 0 && config_guard(n->config, next, e) == 0 &&
        take_over(n, next, e) == 0)
        return 0;
    config_free(next);
    n->counters[COUNTER_reloads_refused]++;
    return -1;
}

int node_reload(struct node *n, struct err *e)
{
    struct config *next = NULL;
    if (config_read(n->config_path, &next, e) == 0 && config_guard(n->config, next, e) == 0 &&
        node_adopt(n, next, e) == 0)
        return 0;
    config_free(next);
    n->counters[COUNTER_reloads_refused]++;
    return -1;
}
