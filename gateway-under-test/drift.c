/* SPDX-License-Identifier: MIT */
/*
 * Drift is a difference between what is desired, what runs and what would run after a restart. What runs is hashed anew
 * at every look, from the document that the table was made of. The file on disk proves nothing about that; it is read
 * at every look because a file that says something else, or that is missing, unreadable or broken, is a difference
 * waiting for the next start. The files of secrets are hashed as well, for the same reason. By policy the desired
 * configuration is put back: into the process first and, that done, into the configuration file, so that a restart does
 * not bring the drift back. Or the gateway stays as it is and says that it is not ready (quarantine), for as long as
 * the difference lasts. Secrets cannot be put back, since nobody here knows the right ones; neither can what takes
 * effect only at a start. That is told until somebody acts. Of which kind it is: drift_kind.c.
 *
 * What a control plane newly wants is no drift: it is taken over at the first look.
 *
 * The last configuration taken over is kept in the data directory as well (last-good.json), for a start that finds its
 * file in no state to be read.
 */
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/secrets.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <string.h>

static const char *const file_words[] = {
    [FILE_OK] = "ok", [FILE_MISSING] = "missing", [FILE_UNREADABLE] = "unreadable", [FILE_BROKEN] = "broken"};

static bool write_file(struct drift *d)
{
    struct node *n = d->node;
    struct err e = {0};
    scoped_free char *bytes = json_canonical(n->config->doc);
    bool failed = file_replace(n->config_path, bytes, strlen(bytes), &e) < 0;
    if (failed && !d->unwritten)
        node_log(n, "the configuration file could not be rewritten: %s: %s", e.at, e.msg);
    d->unwritten = failed;
    return !failed;
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
        d->keys_in_file = secrets_only(c->doc, d->node->config->doc);
        config_free(c);
        return;
    }
    d->file = e.os == ENOENT ? FILE_MISSING : e.os != 0 ? FILE_UNREADABLE : FILE_BROKEN;
    d->of_file[0] = '\0';
    d->keys_in_file = false;
}

static void take_stock(struct drift *d)
{
    json_fingerprint(d->node->config->doc, d->effective);
    look_at_file(d);
    secrets_print(d->node, d->node->config, d->secrets.of_files);
}

/* What is desired runs for the first time: the secrets that it came with are the right ones. */
static void note_reached(struct drift *d)
{
    if (!drift_runs_desired(d) || strcmp(d->reached, d->effective) == 0)
        return;
    memcpy(d->reached, d->effective, sizeof(d->reached));
    memcpy(d->secrets.reached, d->secrets.running, sizeof(d->secrets.reached));
}

/* Run what is desired, and have it in the file. */
static bool put_right(struct drift *d)
{
    struct config *wanted;
    if (!drift_runs_desired(d) &&
        (config_parse(d->desired.in_force->doc, "desired state", &wanted, NULL) < 0 || !take_over(d, wanted)))
        return false;
    bool written = write_file(d);
    take_stock(d);
    note_reached(d);
    return written;
}

static void tell(struct drift *d, int64_t now)
{
    struct node *n = d->node;
    enum drift_kind kind = drift_kind_of(d);
    if (kind == d->kind)
        return;
    if (kind == DRIFT_none) {
        node_log(n, "drift is over");
    } else {
        d->since = d->kind == DRIFT_none ? now : d->since;
        n->counters[COUNTER_drifts] += d->kind == DRIFT_none;
        d->seen[kind]++;
        node_log(n, "drift, %s: running %.12s, desired %.12s, file %s %.12s", drift_kind_words[kind], d->effective,
                 d->desired.in_force->fingerprint, file_words[d->file], d->of_file);
    }
    d->kind = kind;
}

static void repair(struct drift *d, int64_t now)
{
    if (put_right(d)) {
        d->node->counters[COUNTER_reverts]++;
        node_log(d->node, "drift reverted to %.12s", d->node->config->fingerprint);
    }
    tell(d, now);
}

static void look(struct drift *d, int64_t now)
{
    const struct config *c = d->desired.in_force;
    take_stock(d);
    note_reached(d);
    if (d->desired.fresh) {
        d->desired.fresh = false;
        if (!drift_runs_desired(d))
            (void)put_right(d); /* what cannot be taken over is drift from now on */
    }
    tell(d, now);
    bool curable = !drift_runs_desired(d) || !drift_file_as_running(d);
    bool due = c->drift.revert && now - d->since >= c->drift.revert_after_ms * NS_PER_MS;
    if (curable && due && !config_flaw(d->node->config, FLAW_drift_unreported))
        repair(d, now);
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
    drift_print_fixed(n->config, d->at_start);
    drift_reloaded(d, n->config);
    take_stock(d);
    note_reached(d);
    loop_timer_set(n->loop, &d->timer, loop_now(n->loop) + n->config->drift.check_ms * NS_PER_MS);
    return 0;
}

void drift_close(struct drift *d)
{
    loop_timer_stop(&d->timer);
    desired_close(&d->desired);
}

void drift_reloaded(struct drift *d, const struct config *next)
{
    secrets_print(d->node, next, d->secrets.running);
}

bool drift_told(const struct drift *d)
{
    return d->kind != DRIFT_none && !config_flaw(d->node->config, FLAW_drift_unreported);
}

static int64_t seen(const struct drift *d, enum drift_kind kind)
{
    return config_flaw(d->node->config, FLAW_drift_unreported) ? 0 : d->seen[kind];
}

void drift_gauges(const struct drift *d, struct text *out)
{
    text_add(out, "# HELP drgateway_drift_kind 1 for the kind of drift there is\n# TYPE drgateway_drift_kind gauge\n");
    for (int kind = DRIFT_none + 1; kind < DRIFT_KINDS_COUNT; kind++)
        text_addf(out, "drgateway_drift_kind{kind=\"%s\"} %d\n", drift_kind_words[kind],
                  drift_told(d) && d->kind == (enum drift_kind)kind);
    text_add(out, "# HELP drgateway_drift_kinds_total times that a drift of this kind was found\n"
                  "# TYPE drgateway_drift_kinds_total counter\n");
    for (int kind = DRIFT_none + 1; kind < DRIFT_KINDS_COUNT; kind++)
        text_addf(out, "drgateway_drift_kinds_total{kind=\"%s\"} %lld\n", drift_kind_words[kind],
                  (long long)seen(d, (enum drift_kind)kind));
}

static const char *or_null(const char *print)
{
    return print[0] ? print : NULL;
}

/* Of which kind it is, how often there was which, and the secrets. */
static void add_kinds(const struct drift *d, json_t *into)
{
    const struct drift_secrets *s = &d->secrets;
    json_t *drifts = json_object();
    for (int kind = DRIFT_none + 1; kind < DRIFT_KINDS_COUNT; kind++)
        json_object_set_new(drifts, drift_kind_words[kind], json_integer(seen(d, (enum drift_kind)kind)));
    json_object_set_new(into, "drifts", drifts);
    json_object_update_new(into, json_pack("{s:s?, s:s?, s:s?, s:s?}", "drift_kind",
                                           drift_told(d) ? drift_kind_words[d->kind] : NULL, "secrets",
                                           or_null(s->running), "secrets_desired", or_null(drift_secrets_wanted(d)),
                                           "secrets_files", or_null(s->of_files)));
}

void drift_status(const struct drift *d, json_t *into)
{
    const struct desired *want = &d->desired;
    int64_t now = loop_now(d->node->loop);
    bool drifting = drift_told(d);
    json_t *more = json_pack("{s:s, s:s?, s:s, s:s?, s:s, s:b, s:o, s:I, s:o}", "desired", want->in_force->fingerprint,
                             "desired_refused", want->refused[0] ? want->refused : NULL, "effective", d->effective,
                             "file", d->of_file[0] ? d->of_file : NULL, "file_state", file_words[d->file], "drift",
                             drifting, "drift_since_ms",
                             drifting ? json_integer((now - d->since) / NS_PER_MS) : json_null(), "desired_age_ms",
                             (json_int_t)((now - want->as_of) / NS_PER_MS), "desired_lag", lag_status(&want->lag));
    json_object_update(into, more);
    json_decref(more);
    json_object_set_new(into, "control", delivery_status(&want->delivery));
    add_kinds(d, into);
}

bool drift_keeps_out(const struct drift *d)
{
    return drift_told(d) && d->desired.in_force->drift.quarantine;
}

bool drift_out_of_touch(const struct drift *d)
{
    const struct config_control *c = &d->node->config->control;
    return c->refuse_stale && loop_now(d->node->loop) - d->desired.as_of > c->stale_after_ms * NS_PER_MS;
}
