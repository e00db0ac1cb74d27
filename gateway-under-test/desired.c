/* SPDX-License-Identifier: MIT */
/*
 * What is heard from a control plane is kept in the data directory (desired.json: epoch and configuration), so that a
 * gateway that starts while the control plane is away knows what was wanted last, and, by the file's time, when that
 * was confirmed last.
 *
 * When the desired file is missing or broken, or the guard does not let it in, the last good one stays in force; how
 * old that knowledge is shows in as_of. A lag of the control plane is made here, where it would be felt: with `stop`
 * nothing is read, with `delay` each document waits in a queue until it is that old. When more come than the queue
 * holds, the newest takes the place of the one before it: which one is wanted in the end does not change.
 */
#include "gateway-under-test/desired.h"

#include "gateway-under-test/node.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define KEPT_MAX ((size_t)2 * 1024 * 1024)

static bool by_control(const struct desired *d)
{
    return d->delivery.count > 0;
}

static void kept_path(const struct desired *d, struct text *path)
{
    text_addf(path, "%s/desired.json", d->node->data_dir);
}

static void keep(const struct desired *d, int64_t epoch)
{
    scoped_text struct text path = {0};
    struct err e = {0};
    if (!by_control(d) || d->node->data_dir == NULL)
        return;
    scoped_json json_t *doc = json_pack("{s:I, s:O}", "epoch", (json_int_t)epoch, "config", d->in_force->doc);
    scoped_free char *bytes = json_canonical(doc);
    kept_path(d, &path);
    if (file_replace(text_str(&path), bytes, strlen(bytes), &e) < 0)
        node_log(d->node, "what is desired could not be kept: %s: %s", e.at, e.msg);
}

/* What the control plane wanted when this gateway last ran, if that is still to be had. */
static void recall(struct desired *d)
{
    scoped_text struct text path = {0}, bytes = {0};
    struct stat st;
    struct config *c = NULL;
    if (d->node->config->control.count == 0 || d->node->data_dir == NULL)
        return;
    kept_path(d, &path);
    if (text_read_file(&bytes, text_str(&path), KEPT_MAX, NULL) < 0 || stat(text_str(&path), &st) < 0)
        return;
    scoped_json json_t *doc = json_read(text_str(&bytes), bytes.len, "desired.json", NULL);
    if (doc == NULL || config_parse(json_object_get(doc, "config"), "desired.json", &c, NULL) < 0)
        return;
    config_free(d->in_force);
    d->in_force = c;
    d->delivery.epoch = json_integer_value(json_object_get(doc, "epoch"));
    d->as_of = d->heard_at =
        loop_now(d->node->loop) - (clock_wall_ns() - (st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec));
}

/* Takes c. */
static void desire(struct desired *d, struct config *c, int64_t epoch)
{
    config_free(d->in_force);
    d->in_force = c;
    d->refused[0] = '\0';
    d->fresh = by_control(d);
    keep(d, epoch);
}

/* Takes c. */
static void let_in(struct desired *d, struct config *c, int64_t epoch)
{
    struct err why = {0};
    if (config_guard(d->in_force, c, &why) == 0) {
        desire(d, c, epoch);
        return;
    }
    if (strcmp(d->refused, c->fingerprint) != 0) {
        d->node->counters[COUNTER_reloads_refused]++;
        node_log(d->node, "desired configuration %.12s refused: %s", c->fingerprint, why.msg);
    }
    memcpy(d->refused, c->fingerprint, sizeof(d->refused));
    config_free(c);
}

const char *desired_newest(const struct desired *d)
{
    if (d->coming_count > 0)
        return d->coming[d->coming_count - 1].config->fingerprint;
    return d->refused[0] ? d->refused : d->in_force->fingerprint;
}

/* Takes c. */
static void note(struct desired *d, struct config *c, int64_t epoch, int64_t now)
{
    if (strcmp(desired_newest(d), c->fingerprint) == 0) {
        config_free(c);
        return;
    }
    if (d->coming_count == DESIRED_COMING_MAX)
        config_free(d->coming[--d->coming_count].config);
    d->coming[d->coming_count++] = (struct desired_coming){c, now, epoch};
}

static void let_in_what_is_due(struct desired *d, int64_t now)
{
    size_t n = 0;
    for (; n < d->coming_count && !lag_holds(&d->lag, d->coming[n].read_at, now); n++)
        let_in(d, d->coming[n].config, d->coming[n].epoch);
    d->coming_count -= n;
    memmove(d->coming, d->coming + n, d->coming_count * sizeof(d->coming[0]));
}

/* The newest that the file says; returns whether it could be read. */
static bool read_file(struct desired *d, int64_t now)
{
    struct config *c = NULL;
    if (d->node->desired_path == NULL || config_read(d->node->desired_path, &c, NULL) < 0)
        return false;
    note(d, c, 0, now);
    return true;
}

void desired_look(struct desired *d, int64_t now)
{
    if (d->lag.all.stop)
        return;
    if (!by_control(d) && read_file(d, now))
        d->heard_at = now;
    let_in_what_is_due(d, now);
    int64_t known = d->heard_at - d->lag.all.delay_ms * NS_PER_MS;
    if (known > d->as_of)
        d->as_of = known;
}

void desired_hear(struct desired *d, struct config *c, int64_t epoch)
{
    bool known = d->coming_count == 0 && strcmp(d->in_force->fingerprint, c->fingerprint) == 0;
    note(d, c, epoch, loop_now(d->node->loop));
    if (known)
        keep(d, epoch); /* nothing to let in, but a newer epoch of the same */
}

void desired_confirm(struct desired *d)
{
    scoped_text struct text path = {0};
    d->heard_at = loop_now(d->node->loop);
    if (d->node->data_dir == NULL)
        return;
    kept_path(d, &path);
    (void)utimensat(AT_FDCWD, text_str(&path), NULL, 0); /* not there yet: nothing has been let in */
}

int desired_open(struct desired *d, struct node *n, struct err *e)
{
    d->node = n;
    d->as_of = d->heard_at = n->started_ns;
    if (config_parse(n->config->doc, "configuration", &d->in_force, e) < 0)
        return -1;
    recall(d);
    delivery_open(&d->delivery, d, n);
    desired_look(d, loop_now(n->loop));
    return 0;
}

void desired_close(struct desired *d)
{
    delivery_close(&d->delivery);
    while (d->coming_count > 0)
        config_free(d->coming[--d->coming_count].config);
    config_free(d->in_force);
}
