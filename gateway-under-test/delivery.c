/* SPDX-License-Identifier: MIT */
/*
 * One question is under way at any time. Its answer, news or not, confirms that what we know is the newest there is;
 * then the next question goes out, to the own region's endpoint again. An endpoint that is silent, refuses, or knows
 * less than we do is passed over for the next one; when all have been, there is a pause, longer for each gateway by
 * chance, so that an endpoint that comes back is not met by all of them at once.
 *
 * An answer is believed when its fingerprint is that of the configuration it carries and its epoch is not lower than
 * the newest we have heard of: an endpoint that came back with an old disk must not turn gateways back.
 */
#include "gateway-under-test/delivery.h"

#include "gateway-under-test/desired.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

#define CONNECT_MS 300
#define ANSWER_MS 1000 /* beyond the time that we let it wait */
#define PAUSE_MS 400

static void ask_in(struct delivery *v, int64_t ms)
{
    loop_timer_set(v->node->loop, &v->timer, loop_now(v->node->loop) + ms * NS_PER_MS);
}

static void pass_over(struct delivery *v)
{
    v->failures++;
    v->which = (v->which + 1) % v->count;
    ask_in(v, v->which != 0 ? 0 : PAUSE_MS + (int64_t)rng_below(&v->node->rng, PAUSE_MS));
}

/* The configuration of an answer that is to be believed; NULL: it is not. */
static struct config *believe(struct delivery *v, json_t *doc, int64_t epoch)
{
    struct config *c = NULL;
    struct err e = {0};
    if (epoch < v->epoch) {
        v->node->counters[COUNTER_configs_outdated]++;
        if (v->failures == 0)
            node_log(v->node, "a control endpoint knows epoch %lld only, %lld is known here", (long long)epoch,
                     (long long)v->epoch);
        return NULL;
    }
    if (config_parse(doc, "desired state", &c, &e) < 0) {
        node_log(v->node, "what the control plane sends is no configuration: %s: %s", e.at, e.msg);
        return NULL;
    }
    return c;
}

static bool take_answer(struct delivery *v, const struct call *c)
{
    struct http_span body = call_body(c);
    scoped_json json_t *doc = json_read(body.at, body.len, "desired state", NULL);
    json_t *config = json_object_get(doc, "config");
    const char *fingerprint = json_string_value(json_object_get(doc, "fingerprint"));
    int64_t epoch = json_integer_value(json_object_get(doc, "epoch"));
    if (fingerprint == NULL)
        return false;
    struct config *news = config != NULL ? believe(v, config, epoch) : NULL;
    if (config != NULL && (news == NULL || strcmp(news->fingerprint, fingerprint) != 0)) {
        config_free(news);
        return false;
    }
    if (news != NULL) {
        v->epoch = epoch;
        desired_hear(v->desired, news, epoch);
    }
    desired_confirm(v->desired);
    return true;
}

static void on_answer(struct call *c, enum call_end end)
{
    struct delivery *v = owner_of(c, struct delivery, call);
    if (end != CALL_ANSWERED || c->res.status != 200 || !take_answer(v, c)) {
        pass_over(v);
        return;
    }
    v->failures = 0;
    v->which = 0;
    ask_in(v, 0);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct delivery *v = owner_of(t, struct delivery, timer);
    const struct config_control *cfg = &v->node->config->control;
    (void)now;
    if (v->desired->lag.all.stop) {
        ask_in(v, PAUSE_MS);
        return;
    }
    text_clear(&v->call.request);
    text_addf(&v->call.request,
              "GET /v1/desired/%s?epoch=%lld&fingerprint=%s&wait_ms=%lld HTTP/1.1\r\n"
              "Host: control\r\nConnection: close\r\n\r\n",
              v->node->config->node, (long long)v->epoch, desired_newest(v->desired), (long long)cfg->wait_ms);
    call_start(&v->call, &v->endpoints[v->which], (struct call_times){CONNECT_MS, cfg->wait_ms + ANSWER_MS}, false,
               on_answer);
}

void delivery_open(struct delivery *v, struct desired *d, struct node *n)
{
    const struct config_control *cfg = &n->config->control;
    v->node = n;
    v->desired = d;
    v->count = cfg->count;
    v->timer.due = on_due;
    for (size_t i = 0; i < cfg->count; i++)
        upstream_init(&v->endpoints[i], n->loop, &cfg->at[i]);
    if (v->count > 0)
        ask_in(v, 0);
}

void delivery_close(struct delivery *v)
{
    loop_timer_stop(&v->timer);
    call_deinit(&v->call);
    for (size_t i = 0; i < v->count; i++)
        upstream_deinit(&v->endpoints[i]);
}

json_t *delivery_status(const struct delivery *v)
{
    if (v->count == 0)
        return json_null();
    return json_pack("{s:I, s:I, s:b}", "epoch", (json_int_t)v->epoch, "failures", (json_int_t)v->failures, "in_touch",
                     v->failures == 0);
}
