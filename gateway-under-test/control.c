/* SPDX-License-Identifier: MIT */
/*
 * The role control: hands out to gateways what is desired of them. GET
 * /v1/desired/<node>?epoch=N&fingerprint=F&wait_ms=W on the service port; the documents are files,
 * data/desired/<node>.json, each {"epoch": N, "config": {...}}, put in place by whoever publishes. An answer has epoch
 * and fingerprint, and the configuration unless the asker has just that one.
 *
 * A question that has no news to wait for is held, up to wait_ms: the file is looked at every LOOK_MS, and read again
 * only when it is another one than before. A document that is missing is 404 and one that cannot be read 500, both at
 * once; what is wrong with a document decides nothing here: the gateway judges it.
 */
#include "gateway-under-test/node.h"

#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LOOK_MS 50
#define DOCUMENT_MAX ((size_t)1024 * 1024)

static const char desired_path[] = "/v1/desired/";

/* Which file it was: another one has other numbers. */
struct stamp {
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct waiter {
    struct exchange *x;
    struct waiter *next;
    char path[512], fingerprint[SHA256_HEX];
    int64_t epoch, until;
    struct stamp seen;
};

struct control {
    struct node *node;
    struct waiter *waiting;
    struct loop_timer look;
};

static bool stamp_of(const char *path, struct stamp *out)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return false;
    *out = (struct stamp){st.st_ino, st.st_size, st.st_mtim};
    return true;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->inode == b->inode && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static json_t *read_document(const char *path, struct err *e)
{
    scoped_text struct text bytes = {0};
    if (text_read_file(&bytes, path, DOCUMENT_MAX, e) < 0)
        return NULL;
    scoped_json json_t *doc = json_read(text_str(&bytes), bytes.len, path, e);
    if (doc == NULL)
        return NULL;
    if (!json_is_integer(json_object_get(doc, "epoch")) || !json_is_object(json_object_get(doc, "config"))) {
        err_set(e, ERR_MEANING, path, "a document needs an epoch and a configuration");
        return NULL;
    }
    return json_incref(doc);
}

/* Answers, unless the asker may wait for news. */
static bool answer_document(struct control *c, struct waiter *w, bool may_wait)
{
    struct err e = {0};
    scoped_json json_t *doc = read_document(w->path, &e);
    if (doc == NULL) {
        node_log(c->node, "%s: %s", e.at, e.msg);
        answer_error(w->x, e.os == ENOENT ? 404 : 500, "",
                     e.os == ENOENT ? "nothing is desired of that node" : "the document cannot be read");
        return true;
    }
    char fingerprint[SHA256_HEX];
    json_t *config = json_object_get(doc, "config");
    json_int_t epoch = json_integer_value(json_object_get(doc, "epoch"));
    json_fingerprint(config, fingerprint);
    bool news = epoch != w->epoch || strcmp(fingerprint, w->fingerprint) != 0;
    if (!news && may_wait)
        return false;
    c->node->counters[COUNTER_configs_served] += news;
    answer_json(
        w->x, 200,
        json_pack("{s:I, s:s, s:O*}", "epoch", epoch, "fingerprint", fingerprint, "config", news ? config : NULL));
    return true;
}

static bool asker_left(const struct exchange *x)
{
    char byte;
    return x->conn.error != 0 || recv(x->conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Has the question come to its end? */
static bool look_at(struct control *c, struct waiter *w, int64_t now)
{
    struct stamp stamp = {0};
    if (asker_left(w->x)) {
        exchange_cut(w->x);
        return true;
    }
    bool over = now >= w->until || c->node->draining;
    if (!over && stamp_of(w->path, &stamp) && same_stamp(&stamp, &w->seen))
        return false;
    w->seen = stamp;
    return answer_document(c, w, !over);
}

static void on_look(struct loop_timer *t, int64_t now)
{
    struct control *c = owner_of(t, struct control, look);
    /* Answering may read the next question of the connection, which may have to wait: take the list away meanwhile. */
    for (struct waiter *w = steal(&c->waiting), *next; w != NULL; w = next) {
        next = w->next;
        if (look_at(c, w, now)) {
            free(w);
            continue;
        }
        w->next = c->waiting;
        c->waiting = w;
    }
    if (c->waiting != NULL)
        loop_timer_set(c->node->loop, t, now + LOOK_MS * NS_PER_MS);
}

/* A node's name is a path of its own: letters, digits, '-', '_', '.' and a slash between, and no way upwards. */
static bool name_is_fit(struct http_span name)
{
    char last = '/';
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.at[i];
        bool word =
            (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
        if (!word && ((ch != '/' && ch != '.') || last == '/' || last == '.'))
            return false;
        last = ch;
    }
    return name.len > 0 && name.len <= 128 && last != '/';
}

static void control_handle(struct node *n, struct exchange *x)
{
    struct control *c = n->self;
    struct http_span path = exchange_path(x), target = exchange_target(x);
    struct http_span name = {path.at + strlen(desired_path), path.len - strlen(desired_path)};
    if (!span_is(exchange_method(x), "GET") || !span_starts(path, desired_path) || !name_is_fit(name)) {
        answer_error(x, 404, "", "write GET /v1/desired/NODE");
        return;
    }
    struct waiter *w = xcalloc(1, sizeof(*w));
    struct http_span known = span_query(target, "fingerprint");
    int64_t wait_ms = 0;
    w->x = x;
    w->epoch = -1;
    (void)span_int(span_query(target, "epoch"), &w->epoch);
    (void)span_int(span_query(target, "wait_ms"), &wait_ms);
    (void)snprintf(w->fingerprint, sizeof(w->fingerprint), "%.*s", (int)(known.len < SHA256_HEX ? known.len : 0),
                   known.at ? known.at : "");
    (void)snprintf(w->path, sizeof(w->path), "%.300s/desired/%.*s.json", n->data_dir, (int)name.len, name.at);
    (void)stamp_of(w->path, &w->seen);
    if (answer_document(c, w, wait_ms > 0)) {
        free(w);
        return;
    }
    int64_t now = loop_now(n->loop), most = n->config->hold_ms;
    w->until = now + (wait_ms < most ? wait_ms : most) * NS_PER_MS;
    w->next = c->waiting;
    c->waiting = w;
    if (w->next == NULL)
        loop_timer_set(n->loop, &c->look, now + LOOK_MS * NS_PER_MS);
}

static int control_open(struct node *n, struct err *e)
{
    if (n->data_dir == NULL)
        return err_set(e, ERR_USAGE, "command line", "a control endpoint needs --data DIR");
    struct control *c = xcalloc(1, sizeof(*c));
    c->node = n;
    c->look.due = on_look;
    n->self = c;
    return 0;
}

static void control_close(struct node *n)
{
    struct control *c = n->self;
    loop_timer_stop(&c->look);
    for (struct waiter *w = c->waiting, *next; w != NULL; w = next) {
        next = w->next;
        exchange_cut(w->x);
        free(w);
    }
    free(c);
}

static void control_status(struct node *n, json_t *into)
{
    const struct control *c = n->self;
    json_int_t waiting = 0;
    for (const struct waiter *w = c->waiting; w != NULL; w = w->next)
        waiting++;
    json_object_set_new(into, "waiting", json_integer(waiting));
}

static bool control_ready(struct node *n)
{
    return n->self != NULL;
}

const struct role_ops control_ops = {
    .open = control_open,
    .close = control_close,
    .handle = control_handle,
    .status = control_status,
    .ready = control_ready,
};
