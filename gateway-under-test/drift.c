/* SPDX-License-Identifier: MIT */
/*
 * Drift is a difference between what is desired, what runs and what would run after a restart. What runs is hashed anew
 * at every look, from the document that the table was made of. The file on disk proves nothing about that; it is read
 * at every look because a file that says something else, or that is missing, unreadable or broken, is a difference
 * waiting for the next start. By policy the desired configuration is put back: into the process first and, that done,
 * into the configuration file, so that a restart does not bring the drift back. Or the gateway stays as it is and says
 * that it is not ready (quarantine), for as long as the difference lasts.
 *
 * What a control plane newly wants is no drift: it is taken over at the first look.
 *
 * The last configuration taken over is kept in the data directory as well (last-good.json), for a start that finds its
 * file in no state to be read.
 */
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <string.h>

static const char *const file_words[] = {
    [FILE_OK] = "ok", [FILE_MISSING] = "missing", [FILE_UNREADABLE] = "unreadable", [FILE_BROKEN] = "broken"};

static void write_file(struct node *n, const json_t *doc)
{
    struct err e = {0};
    scoped_free char *bytes = json_canonical(doc);
    if (file_replace(n->config_path, bytes, strlen(bytes), &e) < 0)
        node_log(n, "the configuration file could not be rewritten: %s: %s", e.at, e.msg);
}

/* Takes wanted. */
static bool take_over(struct drift *d, struct config *wanted)
{
    struct err e = {0};
    if (node_adopt(d->node, wanted, &e) == 0)
        return true;
    node_log(d->node, "drift cannot be reverted: %s", e.msg);
    config_free(wanted);
    return false;
}

static void look_at_file(struct drift *d)
{
    struct config *c = NULL;
    struct err e = {0};
    if (config_read(d->node->config_path, &c, &e) == 0) {
        d->file = FILE_OK;
        memcpy(d->of_file, c->fingerprint, sizeof(d->of_file));
        config_free(c);
        return;
    }
    d->file = e.os == ENOENT ? FILE_MISSING : e.os != 0 ? FILE_UNREADABLE : FILE_BROKEN;
    d->of_file[0] = '\0';
}

static void take_stock(struct drift *d)
{
    json_fingerprint(d->node->config->doc, d->effective);
    look_at_file(d);
}

static bool runs_desired(const struct drift *d)
{
    return strcmp(d->effective, d->desired.in_force->fingerprint) == 0;
}

static bool file_as_running(const struct drift *d)
{
    return strcmp(d->effective, d->of_file) == 0;
}

/* Run what is desired, and have it in the file. */
static bool put_right(struct drift *d)
{
    struct node *n = d->node;
    struct config *wanted;
    if (!runs_desired(d) &&
        (config_parse(d->desired.in_force->doc, "desired state", &wanted, NULL) < 0 || !take_over(d, wanted)))
        return false;
    write_file(n, n->config->doc);
    take_stock(d);
    return true;
}

static void repair(struct drift *d)
{
    if (!put_right(d))
        return;
    d->node->counters[COUNTER_reverts]++;
    d->present = false;
    node_log(d->node, "drift reverted to %.12s", d->node->config->fingerprint);
}

static void begin(struct drift *d, int64_t now)
{
    d->present = true;
    d->since = now;
    d->node->counters[COUNTER_drifts]++;
    node_log(d->node, "drift: running %.12s, desired %.12s, file %s %.12s", d->effective,
             d->desired.in_force->fingerprint, file_words[d->file], d->of_file);
}

static void look(struct drift *d, int64_t now)
{
    struct node *n = d->node;
    const struct config *c = d->desired.in_force;
    take_stock(d);
    if (d->desired.fresh) {
        d->desired.fresh = false;
        if (!runs_desired(d))
            (void)put_right(d); /* what cannot be taken over is drift from now on */
    }
    if (runs_desired(d) && file_as_running(d)) {
        if (d->present)
            node_log(n, "drift is over");
        d->present = false;
        return;
    }
    if (!d->present)
        begin(d, now);
    bool due = c->drift.revert && now - d->since >= c->drift.revert_after_ms * NS_PER_MS;
    if (due && !config_flaw(n->config, FLAW_drift_unreported))
        repair(d);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct drift *d = owner_of(t, struct drift, timer);
    desired_look(&d->desired, now);
    look(d, now);
    int64_t next = d->node->config->drift.check_ms;
    loop_timer_set(d->node->loop, t, now + next * NS_PER_MS);
}

int drift_open(struct drift *d, struct node *n, struct err *e)
{
    d->node = n;
    d->timer.due = on_due;
    if (desired_open(&d->desired, n, e) < 0)
        return -1;
    take_stock(d);
    loop_timer_set(n->loop, &d->timer, loop_now(n->loop) + n->config->drift.check_ms * NS_PER_MS);
    return 0;
}

void drift_close(struct drift *d)
{
    loop_timer_stop(&d->timer);
    desired_close(&d->desired);
}

void drift_status(const struct drift *d, json_t *into)
{
    const struct desired *want = &d->desired;
    int64_t now = loop_now(d->node->loop);
    bool drifting = d->present && !config_flaw(d->node->config, FLAW_drift_unreported);
    json_t *more = json_pack("{s:s, s:s?, s:s, s:s?, s:s, s:b, s:o, s:I, s:o}", "desired", want->in_force->fingerprint,
                             "desired_refused", want->refused[0] ? want->refused : NULL, "effective", d->effective,
                             "file", d->of_file[0] ? d->of_file : NULL, "file_state", file_words[d->file], "drift",
                             drifting, "drift_since_ms",
                             drifting ? json_integer((now - d->since) / NS_PER_MS) : json_null(), "desired_age_ms",
                             (json_int_t)((now - want->as_of) / NS_PER_MS), "desired_lag", lag_status(&want->lag));
    json_object_update(into, more);
    json_decref(more);
    json_object_set_new(into, "control", delivery_status(&want->delivery));
}

bool drift_keeps_out(const struct drift *d)
{
    const struct config *c = d->node->config;
    return d->present && d->desired.in_force->drift.quarantine && !config_flaw(c, FLAW_drift_unreported);
}

bool drift_out_of_touch(const struct drift *d)
{
    const struct config_control *c = &d->node->config->control;
    return c->refuse_stale && loop_now(d->node->loop) - d->desired.as_of > c->stale_after_ms * NS_PER_MS;
}
