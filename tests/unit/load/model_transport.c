/* SPDX-License-Identifier: MIT */
/*
 * One timer per exchange; the answers' body is one for all.
 */
#include "tests/unit/load/model_transport.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model {
    struct transport base;
    struct loop *loop;
    model_answer *answer;
};

struct exchange {
    struct loop_timer timer;
    struct exchange_answer answer;
    exchange_done *done;
    void *arg;
};

static void on_due(struct loop_timer *t, int64_t now)
{
    struct exchange *x = (struct exchange *)(void *)((char *)t - offsetof(struct exchange, timer));
    x->answer.done_ns = now;
    x->done(x->arg, &x->answer);
    free(x);
}

static int model_send(struct transport *t, const struct exchange_request *r, exchange_done *done, void *arg,
                      struct err *e)
{
    struct model *m = (struct model *)t; /* base is its first member */
    struct exchange *x = xcalloc(1, sizeof(*x));
    int64_t latency_ns = 0;
    m->answer(r, &x->answer, &latency_ns);
    if (latency_ns == MODEL_NOT_SENT) {
        free(x);
        return err_set(e, ERR_RUN, "model", "the model sends nothing");
    }
    x->done = done;
    x->arg = arg;
    x->timer.due = on_due;
    x->answer.sent_ns = loop_now(m->loop);
    loop_timer_set(m->loop, &x->timer, loop_now(m->loop) + latency_ns);
    return 0;
}

static void model_free(struct transport *t)
{
    free(t);
}

static const struct transport_ops model_ops = {.send = model_send, .free = model_free};

struct transport *model_transport_new(struct loop *l, model_answer *answer)
{
    struct model *m = xcalloc(1, sizeof(*m));
    *m = (struct model){.base.ops = &model_ops, .loop = l, .answer = answer};
    return &m->base;
}

void model_good(const struct exchange_request *r, struct exchange_answer *a)
{
    (void)r;
    static const char body[] = "{\"version\":9}";
    *a = (struct exchange_answer){.connected = true,
                                  .status = 200,
                                  .body = body,
                                  .body_len = strlen(body),
                                  .has_nonce = true,
                                  .nonce_ok = true,
                                  .has_check = true,
                                  .check_ok = true,
                                  .epoch = 5,
                                  .lsn = 77,
                                  .attempts = 1};
    snprintf(a->region, sizeof(a->region), "here");
}
