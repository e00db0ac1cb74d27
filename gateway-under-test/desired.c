/* SPDX-License-Identifier: MIT */
/*
 * When the desired file is missing or broken, or the guard does not let it in, the last good one stays in force; how old
 * that knowledge is shows in as_of. A lag of the control plane is made here, where it would be felt: with `stop` nothing is
 * read, with `delay` each document waits in a queue until it is that old. When more come than the queue holds, the
 * newest takes the place of the one before it: which one is wanted in the end does not change.
 */
#include "gateway-under-test/desired.h"

#include "gateway-under-test/node.h"
#include "harness/base/err.h"
#include "harness/base/units.h"

#include <string.h>

/* Takes c. */
static void desire(struct desired *d, struct config *c)
{
    config_free(d->in_force);
    d->in_force = c;
    d->refused[0] = '\0';
}

/* Takes c. */
static void let_in(struct desired *d, struct config *c)
{
    struct err why = {0};
    if (config_guard(d->in_force, c, &why) == 0) {
        desire(d, c);
        return;
    }
    if (strcmp(d->refused, c->fingerprint) != 0) {
        d->node->counters[COUNTER_reloads_refused]++;
        node_log(d->node, "desired configuration %.12s refused: %s", c->fingerprint, why.msg);
    }
    memcpy(d->refused, c->fingerprint, sizeof(d->refused));
    config_free(c);
}

static const char *newest(const struct desired *d)
{
    if (d->coming_count > 0)
        return d->coming[d->coming_count - 1].config->fingerprint;
    return d->refused[0] ? d->refused : d->in_force->fingerprint;
}

/* Takes c. */
static void note(struct desired *d, struct config *c, int64_t now)
{
    if (strcmp(newest(d), c->fingerprint) == 0) {
        config_free(c);
        return;
    }
    if (d->coming_count == DESIRED_COMING_MAX)
        config_free(d->coming[--d->coming_count].config);
    d->coming[d->coming_count++] = (struct desired_coming){c, now};
}

static void let_in_what_is_due(struct desired *d, int64_t now)
{
    size_t n = 0;
    while (n < d->coming_count && !lag_holds(&d->lag, d->coming[n].read_at, now))
        let_in(d, d->coming[n++].config);
    d->coming_count -= n;
    memmove(d->coming, d->coming + n, d->coming_count * sizeof(d->coming[0]));
}

void desired_look(struct desired *d, int64_t now)
{
    struct config *c = NULL;
    if (d->node->desired_path == NULL || d->lag.all.stop)
        return;
    int read = config_read(d->node->desired_path, &c, NULL);
    if (read == 0)
        note(d, c, now);
    let_in_what_is_due(d, now);
    int64_t known = now - d->lag.all.delay_ms * NS_PER_MS;
    if (read == 0 && known > d->as_of)
        d->as_of = known;
}

int desired_open(struct desired *d, struct node *n, struct err *e)
{
    d->node = n;
    d->as_of = n->started_ns;
    if (config_parse(n->config->doc, "configuration", &d->in_force, e) < 0)
        return -1;
    desired_look(d, loop_now(n->loop));
    return 0;
}

void desired_close(struct desired *d)
{
    while (d->coming_count > 0)
        config_free(d->coming[--d->coming_count].config);
    config_free(d->in_force);
}
