/* SPDX-License-Identifier: MIT */
/*
 * To another region's medium, in pieces:
 *
 *     PUT /backups/REGION/CHAIN/OFFSET   bytes that follow those that are there: 200, or 409 {"bytes": so many are}
 *     PUT /backups/REGION/manifest       what the bytes sent before are: 200, or 409 when some are missing
 *
 * Pieces are read back from the own medium, so what leaves is what lies there. The receiver knows nothing of records:
 * it appends, and puts a manifest in force once all of its bytes are there. Whether they are the right ones is for
 * whoever reads the copy to find out, by the sender's hashes.
 */
#include "gateway-under-test/backup.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES ((int64_t)512 * 1024)

static const struct call_times patience = {.connect_ms = 500, .total_ms = 3000};

/* ---- sending ---- */

static void request(struct backup_peer *p, const char *what, const void *body, size_t len)
{
    text_clear(&p->call.request);
    text_addf(&p->call.request, "PUT /backups/%s/%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n",
              p->backup->node->config->region, what, p->cfg->region, len);
    text_add_bytes(&p->call.request, body, len);
}

/* False: the own medium cannot be read; the next round says so. */
static bool request_piece(struct backup_peer *p)
{
    const struct backup *b = p->backup;
    int64_t left = b->in_force.bytes - p->sent, len = left < PIECE_BYTES ? left : PIECE_BYTES;
    scoped_free char *bytes = malloc((size_t)len);
    char what[64];
    if (bytes == NULL || pread(b->chain.fd, bytes, (size_t)len, (off_t)p->sent) != (ssize_t)len)
        return false;
    (void)snprintf(what, sizeof(what), "%s/%lld", b->chain.id, (long long)p->sent);
    request(p, what, bytes, (size_t)len);
    p->piece = len;
    return true;
}

static void request_manifest(struct backup_peer *p)
{
    scoped_free char *bytes = json_canonical(p->backup->in_force.manifest);
    request(p, "manifest", bytes, strlen(bytes));
    p->piece = 0;
    p->telling = p->backup->in_force.records;
}

/* How many bytes the other side says that it has; -1: it does not. */
static int64_t bytes_there(const struct call *c)
{
    struct http_span body = call_body(c);
    scoped_json json_t *doc = json_read(body.at, body.len, "answer", NULL);
    const json_t *n = json_object_get(doc, "bytes");
    return json_is_integer(n) ? json_integer_value(n) : -1;
}

static void on_done(struct call *c, enum call_end end)
{
    struct backup_peer *p = owner_of(c, struct backup_peer, call);
    struct backup *b = p->backup;
    int64_t there = end == CALL_ANSWERED && c->res.status == 409 ? bytes_there(c) : -1;
    if (end == CALL_ANSWERED && c->res.status == 200) {
        p->sent += p->piece;
        p->told = p->piece ? p->told : p->telling;
    } else if (there >= 0 && there != p->sent) {
        p->sent = there;
    } else {
        b->node->counters[COUNTER_backups_unsent]++; /* the next round tries again */
        return;
    }
    backup_peer_go_on(p);
}

void backup_peer_go_on(struct backup_peer *p)
{
    const struct backup *b = p->backup;
    if (p->call.under_way || b->in_force.manifest == NULL)
        return;
    if (strcmp(p->chain, b->chain.id) != 0) {
        (void)snprintf(p->chain, sizeof(p->chain), "%s", b->chain.id);
        p->sent = p->told = 0;
    }
    if (p->sent > b->in_force.bytes)
        return; /* it has more than it was sent: not ours to mend */
    if (p->sent == b->in_force.bytes && p->told == b->in_force.records)
        return;
    if (p->sent == b->in_force.bytes)
        request_manifest(p);
    else if (!request_piece(p))
        return;
    call_start(&p->call, &p->up, patience, true, on_done);
}

void backup_peer_open(struct backup_peer *p, struct backup *b, const struct config_peer *cfg)
{
    p->backup = b;
    p->cfg = cfg;
    upstream_init(&p->up, b->node->loop, &cfg->to);
}

void backup_peer_close(struct backup_peer *p)
{
    call_deinit(&p->call);
    upstream_deinit(&p->up);
}

/* ---- receiving ---- */

struct letter { /* the path of a request, taken apart */
    char region[64], chain[CHAIN_LEN + 1];
    int64_t offset; /* -1: it is the manifest */
};

static bool known_region(const struct backup *b, const char *region)
{
    for (size_t i = 0; i < b->peer_count; i++) {
        if (strcmp(b->peers[i].cfg->region, region) == 0)
            return true;
    }
    return false;
}

/* REGION/manifest, or REGION/CHAIN/OFFSET */
static bool take_apart(struct http_span path, struct letter *out)
{
    const char *region = path.at + strlen("/backups/"), *end = path.at + path.len;
    const char *slash = memchr(region, '/', (size_t)(end - region));
    *out = (struct letter){.offset = -1};
    if (slash == NULL || slash == region || (size_t)(slash - region) >= sizeof(out->region))
        return false;
    memcpy(out->region, region, (size_t)(slash - region));
    struct http_span rest = {slash + 1, (size_t)(end - slash - 1)};
    if (span_is(rest, "manifest"))
        return true;
    if (rest.len < CHAIN_LEN + 2 || !manifest_chain_fits(rest.at, CHAIN_LEN) || rest.at[CHAIN_LEN] != '/')
        return false;
    memcpy(out->chain, rest.at, CHAIN_LEN);
    return span_int((struct http_span){rest.at + CHAIN_LEN + 1, rest.len - CHAIN_LEN - 1}, &out->offset);
}

static void answer_bytes(struct exchange *x, int status, int64_t bytes)
{
    answer_json(x, status, json_pack("{s:I}", "bytes", (json_int_t)bytes));
}

static void refuse(struct backup *b, struct exchange *x, const struct err *e)
{
    b->node->counters[COUNTER_backups_failed]++;
    node_log(b->node, "backup: %s: %s", e->at, e->msg);
    answer_error(x, 500, "", "the medium does not take it");
}

static int open_chain(const char *folder, const char *chain, int64_t *size, struct err *e)
{
    scoped_text struct text path = {0};
    struct stat st;
    text_addf(&path, "%s/%s.log", folder, chain);
    scoped_fd int fd = open(text_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot open the backup");
    *size = st.st_size;
    return steal_fd(&fd);
}

static void receive_piece(struct backup *b, struct exchange *x, const struct letter *l, const char *folder)
{
    struct http_span body = exchange_body(x);
    struct err e = {0};
    int64_t size = 0;
    scoped_fd int fd = open_chain(folder, l->chain, &size, &e);
    if (fd < 0) {
        refuse(b, x, &e);
        return;
    }
    if (size != l->offset || size + (int64_t)body.len > MANIFEST_BYTES_MAX) {
        answer_bytes(x, 409, size);
        return;
    }
    /* Forced piece by piece, so that the manifest need not wait for all of them. */
    if (pwrite(fd, body.at, body.len, (off_t)size) != (ssize_t)body.len || fdatasync(fd) < 0) {
        err_os(&e, ERR_OUTPUT, errno, folder, "cannot append to the backup");
        if (ftruncate(fd, (off_t)size) < 0)
            err_os(&e, ERR_OUTPUT, errno, folder, "cannot take back half a piece");
        refuse(b, x, &e);
        return;
    }
    answer_bytes(x, 200, size + (int64_t)body.len);
}

static void receive_manifest(struct backup *b, struct exchange *x, const struct letter *l, const char *folder)
{
    struct http_span body = exchange_body(x);
    struct manifest m = {0};
    struct err e = {0};
    int64_t size = 0;
    scoped_json json_t *doc = json_read(body.at, body.len, "request", NULL);
    if (manifest_parse(doc, "request", &m, &e) < 0 || strcmp(m.region, l->region) != 0) {
        manifest_deinit(&m);
        answer_error(x, 400, "", "no manifest of that region");
        return;
    }
    scoped_fd int fd = open_chain(folder, m.chain, &size, &e);
    if (fd >= 0 && size < m.bytes) {
        answer_bytes(x, 409, size);
    } else if (fd < 0 || fdatasync(fd) < 0 || chain_put_in_force(folder, doc, &m, &e) < 0) {
        err_os(&e, ERR_OUTPUT, errno, folder, "cannot force the backup to the medium");
        refuse(b, x, &e);
    } else {
        b->node->counters[COUNTER_backups_received]++;
        answer_bytes(x, 200, size);
    }
    manifest_deinit(&m);
}

void backup_receive(struct backup *b, struct exchange *x)
{
    struct letter l;
    char folder[512];
    struct err e = {0};
    if (!take_apart(exchange_path(x), &l) || !known_region(b, l.region))
        answer_error(x, 400, "", "write PUT /backups/REGION/manifest or /backups/REGION/CHAIN/OFFSET");
    else if (chain_folder(b->node->backup_dir, l.region, folder, sizeof(folder), &e) < 0)
        refuse(b, x, &e);
    else if (l.offset < 0)
        receive_manifest(b, x, &l, folder);
    else
        receive_piece(b, x, &l, folder);
}
