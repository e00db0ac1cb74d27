/* SPDX-License-Identifier: MIT */
/*
 * A relative name begins in the data directory. Whatever bytes a target has, the line is ASCII: what is not printable
 * is written as \u00XX of the byte. What would take the file beyond its bound is not begun, so each line in it is
 * whole.
 */
#include "gateway-under-test/access_log.h"

#include "gateway-under-test/config.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/pool.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_MS 200
#define FLUSH_BYTES ((size_t)64 * 1024)
#define TARGET_MAX 1024

static void write_lines(struct access_log *l)
{
    if (write(l->fd, l->lines.at, l->lines.len) == (ssize_t)l->lines.len) {
        l->size += (int64_t)l->lines.len;
        return;
    }
    l->node->counters[COUNTER_access_log_lost]++;
    if (!l->told)
        node_log(l->node, "the access log cannot be written: %s", strerror(errno));
    l->told = true;
}

static void flush(struct access_log *l)
{
    if (l->fd < 0 || l->lines.len == 0)
        return;
    if (l->most > 0 && l->size + (int64_t)l->lines.len > l->most) {
        l->node->counters[COUNTER_access_log_lost]++;
        node_log(l->node, "the access log has reached its %lld bytes and ends here", (long long)l->most);
        fd_close(&l->fd);
    } else {
        write_lines(l);
    }
    text_clear(&l->lines);
}

static void on_flush(struct loop_timer *t, int64_t now)
{
    struct access_log *l = owner_of(t, struct access_log, timer);
    (void)now;
    flush(l);
}

void access_log_open(struct access_log *l, struct node *n, const struct config *c)
{
    scoped_text struct text full = {0};
    const char *path = c->access_log;
    struct stat st;
    if (l->node != NULL)
        access_log_close(l);
    *l = (struct access_log){.node = n, .fd = -1, .most = c->access_log_max, .timer.due = on_flush};
    if (path == NULL)
        return;
    text_addf(&full, "%s%s%s", path[0] == '/' ? "" : n->data_dir ? n->data_dir : ".", path[0] == '/' ? "" : "/", path);
    l->fd = open(text_str(&full), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (l->fd < 0)
        node_log(n, "the access log cannot be opened: %s: %s", text_str(&full), strerror(errno));
    else if (fstat(l->fd, &st) == 0)
        l->size = st.st_size;
}

void access_log_close(struct access_log *l)
{
    flush(l);
    loop_timer_stop(&l->timer);
    fd_close(&l->fd);
    text_deinit(&l->lines);
}

static void add_escaped(struct text *out, struct http_span s)
{
    size_t len = s.len < TARGET_MAX ? s.len : TARGET_MAX;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            text_addf(out, "\\u%04x", (unsigned)c);
        else
            text_add_bytes(out, &s.at[i], 1);
    }
}

void access_log_add(struct access_log *l, const struct exchange *x, int status, size_t len, int64_t took_ns)
{
    char when[32];
    struct text *out = &l->lines;
    if (l->fd < 0)
        return;
    text_addf(out, "{\"time\":\"%s\",\"node\":\"%s\",\"method\":\"", clock_rfc3339(wall_ns(&l->node->wall), when),
              l->node->config->node);
    add_escaped(out, exchange_method(x));
    text_add(out, "\",\"target\":\"");
    add_escaped(out, exchange_target(x));
    text_addf(out, "\",\"status\":%d,\"bytes\":%zu,\"duration_us\":%lld,\"attempts\":%d,\"upstream\":", status, len,
              (long long)(took_ns / NS_PER_US), x->attempts);
    if (x->upstream != NULL)
        text_addf(out, "\"%s\"}\n", x->upstream->cfg->name);
    else
        text_add(out, "null}\n");
    if (out->len >= FLUSH_BYTES)
        flush(l);
    else if (l->timer.loop == NULL)
        loop_timer_set(l->node->loop, &l->timer, loop_now(l->node->loop) + FLUSH_MS * NS_PER_MS);
}
