/* SPDX-License-Identifier: MIT */
/*
 * Drift is a difference between what runs and what is desired. What runs is hashed anew at every look, from the
 * document that the table was made of; the file on disk proves nothing. The desired file is read at every look, too;
 * when it is missing or broken, or the guard (config_gateway.c) does not let it in, the last good one stays in force. By
 * policy the desired configuration is put back: into the process first and, that done, into the configuration file, so
 * that a restart does not bring the drift back.
 */
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

/* Takes c. */
static void desire(struct drift *d, struct config *c)
{
    config_free(d->desired);
    d->desired = c;
    d->refused[0] = '\0';
}

static void refuse(struct drift *d, struct config *c, const struct err *why)
{
    if (strcmp(d->refused, c->fingerprint) != 0) {
        d->node->counters[COUNTER_reloads_refused]++;
        node_log(d->node, "desired configuration %.12s refused: %s", c->fingerprint, why->msg);
    }
    memcpy(d->refused, c->fingerprint, sizeof(d->refused));
    config_free(c);
}

static int read_desired(struct drift *d, struct err *e)
{
    struct config *c;
    struct err why = {0};
    if (d->node->desired_path == NULL)
        return 0;
    if (config_read(d->node->desired_path, &c, e) < 0)
        return -1;
    if (config_guard(d->desired, c, &why) < 0)
        refuse(d, c, &why);
    else
        desire(d, c);
    return 0;
}

static void repair(struct drift *d, struct config *wanted)
{
    struct node *n = d->node;
    struct err e = {0};
    scoped_free char *bytes = json_canonical(wanted->doc);
    if (node_adopt(n, wanted, &e) < 0) {
        node_log(n, "drift cannot be reverted: %s", e.msg);
        config_free(wanted);
        return;
    }
    n->counters[COUNTER_reverts]++;
    d->present = false;
    node_log(n, "drift reverted to %.12s", d->desired->fingerprint);
    if (file_replace(n->config_path, bytes, strlen(bytes), &e) < 0)
        node_log(n, "the configuration file could not be rewritten: %s: %s", e.at, e.msg);
}

static void look(struct drift *d, int64_t now)
{
    struct node *n = d->node;
    char running[SHA256_HEX];
    json_fingerprint(n->config->doc, running);
    if (strcmp(running, d->desired->fingerprint) == 0) {
        if (d->present)
            node_log(n, "drift is over");
        d->present = false;
        return;
    }
    if (!d->present) {
        d->present = true;
        d->since = now;
        n->counters[COUNTER_drifts]++;
        node_log(n, "drift: running %.12s, desired %.12s", running, d->desired->fingerprint);
    }
    struct config *wanted;
    if (config_flaw(n->config, FLAW_drift_unreported) ||
        config_parse(d->desired->doc, "desired state", &wanted, NULL) < 0)
        return;
    if (wanted->drift.revert && now - d->since >= wanted->drift.revert_after_ms * NS_PER_MS)
        repair(d, wanted);
    else
        config_free(wanted);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct drift *d = owner_of(t, struct drift, timer);
    (void)read_desired(d, NULL);
    look(d, now);
    int64_t next = d->node->config->drift.check_ms;
    loop_timer_set(d->node->loop, t, now + next * NS_PER_MS);
}

int drift_open(struct drift *d, struct node *n, struct err *e)
{
    d->node = n;
    d->timer.due = on_due;
    if (config_parse(n->config->doc, "configuration", &d->desired, e) < 0)
        return -1;
    if (read_desired(d, e) < 0) {
        config_free(d->desired);
        return -1;
    }
    loop_timer_set(n->loop, &d->timer, loop_now(n->loop) + n->config->drift.check_ms * NS_PER_MS);
    return 0;
}

void drift_close(struct drift *d)
{
    loop_timer_stop(&d->timer);
    config_free(d->desired);
}
