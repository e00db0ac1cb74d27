/* SPDX-License-Identifier: MIT */
/* The lab's side of the wire: its questions, asked of a helper (helper.c). */
#include "harness/lab/wire.h"

#include "harness/base/arena.h"
#include "harness/lab/helper.h"
#include "harness/lab/wire_private.h"

#include <stdlib.h>

struct wire {
    struct helper helper;
};

static int ask(struct wire *w, const struct wire_ask *q, struct wire_answer *a, struct err *e)
{
    return helper_ask(&w->helper, q, sizeof(*q), &a->head, sizeof(*a), e);
}

int wire_open(struct wire **out, const struct wire_options *o, struct err *e)
{
    struct wire *w = xcalloc(1, sizeof(*w));
    int control_fd;
    int side = helper_fork(&w->helper, "wire", "carries the shaped links", &control_fd, e);
    if (side == 0) {
        wire_live(control_fd, o);
    }
    struct wire_answer ready;
    if (side < 0 || helper_hear_ready(&w->helper, &ready.head, sizeof(ready), e) != 0) {
        wire_close(w);
        return -1;
    }
    *out = w;
    return 0;
}

void wire_close(struct wire *w)
{
    if (w) {
        helper_stop(&w->helper);
    }
    free(w);
}

void wire_forget(struct wire *w)
{
    if (w) {
        helper_forget(&w->helper);
    }
    free(w);
}

int wire_set(struct wire *w, uint16_t path, const struct path_state *wanted, struct path_state *got, struct err *e)
{
    const struct wire_ask q = {.what = WIRE_SET, .path = path, .shape = *wanted};
    struct wire_answer a;
    int rc = ask(w, &q, &a, e);
    if (rc == 0) {
        *got = a.shape;
    }
    return rc;
}

int wire_get(struct wire *w, uint16_t path, struct path_state *got, struct wire_counts *counts, struct err *e)
{
    const struct wire_ask q = {.what = WIRE_GET, .path = path};
    struct wire_answer a;
    int rc = ask(w, &q, &a, e);
    if (rc == 0) {
        *got = a.shape;
        *counts = a.counts;
    }
    return rc;
}

int wire_totals(struct wire *w, struct wire_counts *counts, struct err *e)
{
    const struct wire_ask q = {.what = WIRE_TOTALS};
    struct wire_answer a;
    int rc = ask(w, &q, &a, e);
    if (rc == 0) {
        *counts = a.counts;
    }
    return rc;
}

int wire_check(struct wire *w, struct err *e)
{
    return helper_check(&w->helper, e);
}

pid_t wire_pid(const struct wire *w)
{
    return w->helper.process.pid;
}
