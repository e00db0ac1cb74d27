/* SPDX-License-Identifier: MIT */
/*
 * One buffer per connection; a request is complete when its head and the announced body are there. A delayed reply
 * keeps its connection busy: clients do not pipeline.
 */
#include "tests/unit/load/stub_server.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/evidence/crc32c.h"
#include "tests/unit/evidence/scratch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct stub_connection {
    struct loop_io io;
    struct stub_server *server;
    struct stub_connection *next;
    int fd;
    struct text in, out;
    unsigned requests;
    struct loop_timer later; /* the delayed reply in out */
    enum stub_fate after;    /* what follows it */
    bool held;
};

static void end_connection(struct stub_connection *c, bool reset)
{
    struct stub_connection **at = &c->server->connections;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    struct linger linger = {.l_onoff = 1};
    if (reset) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    loop_io_stop(&c->io);
    loop_timer_stop(&c->later);
    close(c->fd);
    text_deinit(&c->in);
    text_deinit(&c->out);
    free(c);
}

static void copy_header(const char *head, const char *name, char *out, size_t size)
{
    scoped_text struct text key = {0};
    text_addf(&key, "\r\n%s: ", name);
    const char *at = strcasestr(head, text_str(&key));
    out[0] = '\0';
    if (at) {
        at += key.len;
        snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
    }
}

/* True when a whole request was there; it is taken out of the buffer. */
static bool take_request(struct stub_connection *c, struct stub_request *rq)
{
    const char *head = text_str(&c->in), *end = strstr(head, "\r\n\r\n");
    if (!end) {
        return false;
    }
    *rq = (struct stub_request){.on_connection = c->requests + 1};
    size_t head_len = (size_t)(end - head) + 4;
    must(head_len < sizeof(rq->raw));
    memcpy(rq->raw, head, head_len);
    char length[16];
    copy_header(rq->raw, "Content-Length", length, sizeof(length));
    size_t body_len = strtoul(length, NULL, 10);
    if (c->in.len < head_len + body_len) {
        return false;
    }
    rq->post = strncmp(head, "POST ", 5) == 0;
    const char *target = strchr(head, ' ') + 1;
    snprintf(rq->target, sizeof(rq->target), "%.*s", (int)strcspn(target, " "), target);
    copy_header(rq->raw, "X-DR-Nonce", rq->nonce, sizeof(rq->nonce));
    copy_header(rq->raw, "Idempotency-Key", rq->idempotency_key, sizeof(rq->idempotency_key));
    snprintf(rq->body, sizeof(rq->body), "%.*s", (int)body_len, head + head_len);
    memmove(c->in.at, c->in.at + head_len + body_len, c->in.len - head_len - body_len + 1);
    c->in.len -= head_len + body_len;
    c->requests++;
    return true;
}

/* What a sound store would say. */
static void default_body(struct stub_server *s, const struct stub_request *rq, struct stub_reply *rp)
{
    const char *key = strstr(rq->target, "key=");
    if (rq->post) {
        char body[1024];
        snprintf(body, sizeof(body), "%s", rq->body);
        char *value = strstr(body, ",\"value\"");
        must(value);
        *value = '\0';
        s->version++;
        text_addf(&rp->body, "%s,\"version\":%u,\"lsn\":%u}", body, s->version, s->version + 1000);
    } else if (key) {
        text_addf(&rp->body, "{\"key\":\"%s\",\"version\":%u,\"op\":null,\"value\":null}", key + 4, s->version);
    } else {
        text_add(&rp->body, "{}");
    }
}

static void print_reply(const struct stub_request *rq, const struct stub_reply *rp, struct text *out)
{
    text_addf(out, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", rp->status,
              rp->body.len);
    if (!rp->bare) {
        uint32_t check = crc32c(text_str(&rp->body), rp->body.len) ^ (rp->wrong_check ? 1u : 0u);
        text_addf(out, "X-DR-Nonce: %s\r\nX-DR-Check: %08x\r\nX-DR-Region: %s\r\nX-DR-Epoch: 3\r\nX-DR-Attempt: 2\r\n",
                  rp->nonce ? rp->nonce : rq->nonce, check, rp->region ? rp->region : "here");
    }
    if (rp->not_forwarded) {
        text_add(out, "X-DR-Not-Forwarded: 1\r\n");
    }
    text_add(out, "\r\n");
    text_add_bytes(out, text_str(&rp->body), rp->fate == STUB_CUT ? rp->body.len / 2 : rp->body.len);
}

static bool send_reply(struct stub_connection *c)
{
    ssize_t n = send(c->fd, text_str(&c->out), c->out.len, MSG_NOSIGNAL);
    bool sent = n == (ssize_t)c->out.len;
    text_clear(&c->out);
    if (!sent || c->after != STUB_ANSWER) {
        end_connection(c, false);
        return false;
    }
    return true;
}

static void on_later(struct loop_timer *t, int64_t now)
{
    (void)now;
    send_reply((struct stub_connection *)(void *)((char *)t - offsetof(struct stub_connection, later)));
}

/* False when the connection is gone. */
static bool serve_one(struct stub_connection *c, const struct stub_request *rq)
{
    struct stub_server *s = c->server;
    struct stub_reply rp = {.status = 200};
    if (strcmp(rq->target, "/readyz") == 0) {
        s->probes++;
        rp.fate = s->probe_fate;
        rp.status = s->probe_status ? s->probe_status : 200;
        text_add(&rp.body, "{}");
    } else {
        s->requests++;
        default_body(s, rq, &rp);
        if (s->serve) {
            s->serve(s, rq, &rp);
        }
    }
    print_reply(rq, &rp, &c->out);
    text_deinit(&rp.body);
    c->after = rp.close_after || rp.fate == STUB_CUT ? STUB_CLOSE : STUB_ANSWER;
    if (rp.fate == STUB_CLOSE || rp.fate == STUB_RESET) {
        end_connection(c, rp.fate == STUB_RESET);
        return false;
    }
    if (rp.fate == STUB_HOLD) {
        c->held = true;
        return true;
    }
    if (rp.delay_ns > 0) {
        loop_timer_set(s->loop, &c->later, loop_now(s->loop) + rp.delay_ns);
        return true;
    }
    return send_reply(c);
}

static void on_data(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct stub_connection *c = (struct stub_connection *)io; /* io is its first member */
    char bytes[4096];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n <= 0) {
        end_connection(c, false);
        return;
    }
    text_add_bytes(&c->in, bytes, (size_t)n);
    struct stub_request rq;
    while (!c->held && take_request(c, &rq)) {
        if (!serve_one(c, &rq)) {
            return;
        }
    }
}

static void on_connection(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct stub_server *s = (struct stub_server *)(void *)((char *)io - offsetof(struct stub_server, listener));
    for (int fd; (fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
        struct stub_connection *c = xcalloc(1, sizeof(*c));
        c->io.ready = on_data;
        c->later.due = on_later;
        c->server = s;
        c->fd = fd;
        c->next = s->connections;
        s->connections = c;
        s->accepted++;
        must(loop_io_set(s->loop, &c->io, fd, EPOLLIN, NULL) == 0);
    }
}

void stub_start(struct stub_server *s, struct loop *l, const char *address, uint16_t port)
{
    s->loop = l;
    s->listener.ready = on_connection;
    snprintf(s->address, sizeof(s->address), "%s", address);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    must(inet_pton(AF_INET, address, &at.sin_addr) == 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    socklen_t len = sizeof(at);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    must(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 512) == 0);
    must(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    s->port = ntohs(at.sin_port);
    must(loop_io_set(l, &s->listener, fd, EPOLLIN, NULL) == 0);
}

void stub_refuse(struct stub_server *s)
{
    if (s->listener.loop) {
        int fd = s->listener.fd;
        loop_io_stop(&s->listener);
        close(fd);
    }
}

void stub_drop_connections(struct stub_server *s)
{
    while (s->connections) {
        end_connection(s->connections, true);
    }
}

void stub_stop(struct stub_server *s)
{
    stub_refuse(s);
    stub_drop_connections(s);
}
