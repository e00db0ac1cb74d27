/* SPDX-License-Identifier: MIT */
/* The lab's side of the answerer: its orders, given to a helper (helper.c). */
#include "harness/lab/answerer.h"

#include "harness/base/arena.h"
#include "harness/lab/answerer_private.h"
#include "harness/lab/helper.h"

#include <stdlib.h>

struct answerer {
    struct helper helper;
};

static int ask(struct answerer *a, const struct answerer_ask *q, struct answerer_answer *to, struct err *e)
{
    return helper_ask(&a->helper, q, sizeof(*q), &to->head, sizeof(*to), e);
}

int answerer_open(struct answerer **out, const struct answerer_options *o, struct err *e)
{
    struct answerer *a = xcalloc(1, sizeof(*a));
    int control_fd;
    int side = helper_fork(&a->helper, "answerer", "answers for what is rejected", &control_fd, e);
    if (side == 0) {
        answerer_live(control_fd, o);
    }
    struct answerer_answer ready;
    if (side < 0 || helper_hear_ready(&a->helper, &ready.head, sizeof(ready), e) != 0) {
        answerer_close(a);
        return -1;
    }
    *out = a;
    return 0;
}

void answerer_close(struct answerer *a)
{
    if (a) {
        helper_stop(&a->helper);
    }
    free(a);
}

void answerer_forget(struct answerer *a)
{
    if (a) {
        helper_forget(&a->helper);
    }
    free(a);
}

int answerer_set(struct answerer *a, const struct answerer_order *order, struct err *e)
{
    const struct answerer_ask q = {.set = true, .order = *order};
    struct answerer_answer answer = {0};
    return ask(a, &q, &answer, e);
}

int answerer_get(struct answerer *a, uint16_t path, struct answerer_order *order, uint64_t *answered, struct err *e)
{
    const struct answerer_ask q = {.order.path = path};
    struct answerer_answer answer = {0};
    int rc = ask(a, &q, &answer, e);
    if (rc == 0) {
        *order = answer.order;
        if (answered) {
            *answered = answer.answered;
        }
    }
    return rc;
}
