/* SPDX-License-Identifier: MIT */
/*
 * Requests to a node of each role, by real connections on loopback: what its handlers make of targets and bodies, and
 * of orders that follow each other. The first byte chooses the role; then come requests with a NUL byte between, the
 * first byte of each its port (a: admin, else service), then a line `METHOD TARGET`, header lines up to an empty line,
 * and the body. Whatever was asked, answers are HTTP and the node lives on.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define TURNS 12
#define LAST_TURNS 1000 /* where an answer must come */
#define REQUESTS 8
#define ANSWER_MAX ((size_t)1 << 20)

/* The key is `shop` with the secret `s`. Nobody listens on port 1. */
static const char gateway[] =
    "{\"node\":\"a/1\",\"role\":\"gateway\",\"region\":\"a\",\"listen\":1,\"admin\":2,\"routes\":{"
    "\"orders\":{\"path\":\"/v1/\",\"upstream\":\"pool:p\",\"identity\":[\"api_key\"]},"
    "\"open\":{\"upstream\":\"pool:p\"}},\"pools\":{\"p\":{\"regions\":[\"a\"],\"members\":[{\"name\":\"m\","
    "\"region\":\"a\",\"address\":\"127.0.0.1\",\"port\":1}]}},\"identity\":{\"keys\":{\"shop\":{\"sha256\":"
    "\"043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89\"}},\"revocations\":{\"pool\":\"p\"}},"
    "\"limits\":{\"mode\":\"shared\",\"gateways\":2,\"pool\":\"p\",\"subjects\":{\"key:shop\":{\"per_s\":2}}}}";
static const char store[] =
    "{\"node\":\"a/origin-1\",\"role\":\"origin\",\"region\":\"a\",\"listen\":1,\"admin\":2,\"store\":{"
    "\"mode\":\"async\",\"home\":true,\"port\":3,\"peers\":[{\"region\":\"b\",\"address\":\"127.0.0.1\",\"port\":1}]},"
    "\"backup\":{\"every_ms\":10,\"offsite\":[{\"region\":\"b\",\"address\":\"127.0.0.1\",\"port\":1}]}}";
static const char passer[] =
    "{\"node\":\"a/origin-2\",\"role\":\"origin\",\"region\":\"a\",\"listen\":1,\"admin\":2,"
    "\"store_at\":{\"address\":\"127.0.0.1\",\"port\":1},\"capacity\":{\"slots\":1,\"service_us\":10,\"queue\":1},"
    "\"scaling\":{\"cold_start_ms\":1,\"most\":2,\"least\":0}}";
static const char witness[] =
    "{\"node\":\"w/1\",\"role\":\"witness\",\"region\":\"w\",\"listen\":1,\"admin\":2,\"grace_ms\":0,"
    "\"regions\":[\"a\",\"b\"]}";
static const char control[] =
    "{\"node\":\"a/control-1\",\"role\":\"control\",\"region\":\"a\",\"listen\":1,\"admin\":2,\"hold_ms\":10}";
static const char *const roles[] = {gateway, store, passer, witness, control};

struct stage {
    struct node node;
    struct conn client;
};

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type;
    return ftw->level > 0 ? remove(path) : 0;
}

static int port_of(const struct server *s)
{
    struct sockaddr_in at = {0};
    socklen_t len = sizeof(at);
    fuzz_must(getsockname(s->acceptor.fd, (struct sockaddr *)&at, &len) == 0);
    return ntohs(at.sin_port);
}

static void stage_open(struct stage *s, const char *text)
{
    static const char published[] = "{\"epoch\":7,\"config\":{}}", *desired, *path;
    desired = desired ? desired : fuzz_path("desired");
    path = path ? path : fuzz_path("config.json");
    struct err e = {0};
    struct config *c = NULL;
    scoped_json json_t *doc = json_read(text, strlen(text), "node.json", &e);
    fuzz_must(doc && config_parse(doc, "node.json", &c, &e) == 0);
    c->listen = c->admin = 0; /* any that are free */
    if (c->store)
        c->store->port = 0;
    fuzz_must(mkdirat(AT_FDCWD, desired, 0700) == 0);
    fuzz_put("desired/a.json", published, strlen(published));
    fuzz_put("config.json", text, strlen(text));
    s->node.config_path = path;
    s->node.data_dir = s->node.backup_dir = fuzz_folder();
    struct loop *loop = loop_new(&e);
    fuzz_must(loop && node_open(&s->node, loop, c, &e) == 0);
}

static void stage_close(struct stage *s)
{
    conn_deinit(&s->client);
    struct loop *loop = s->node.loop;
    node_close(&s->node);
    loop_free(loop);
    (void)nftw(fuzz_folder(), discard, 8, FTW_DEPTH | FTW_PHYS);
}

static void heard(struct conn *c)
{
    if (c->eof || c->error)
        conn_close(c);
}

/* What is sent: the line, what the server must know, the other lines, the body. */
static void write_request(struct text *out, const char *head, size_t head_len, const void *body, size_t len)
{
    const char *line = memchr(head, '\n', head_len);
    size_t line_len = line ? (size_t)(line - head) : head_len;
    text_add_bytes(out, head, line_len);
    text_addf(out, " HTTP/1.1\r\nHost: fuzz\r\nConnection: close\r\nContent-Length: %zu\r\n", len);
    for (size_t i = line_len + 1; i < head_len; i++)
        text_add_bytes(out, head[i] == '\n' ? "\r\n" : &head[i], head[i] == '\n' ? 2 : 1);
    text_add(out, line_len + 1 < head_len ? "\r\n\r\n" : "\r\n");
    text_add_bytes(out, body, len);
}

static void converse(struct stage *s, int port, const struct text *request, int turns)
{
    struct sockaddr_in to;
    fuzz_must(tcp_address("127.0.0.1", port, &to));
    fuzz_must(conn_dial(&s->client, s->node.loop, &to, 1000, ANSWER_MAX, heard) == 0);
    conn_send(&s->client, request->at, request->len);
    for (int i = 0; i < turns && s->client.open; i++)
        (void)loop_run(s->node.loop, loop_tick(s->node.loop) + NS_PER_MS / 10, NULL, NULL);
}

/* True: answered well. */
static bool ask(struct stage *s, bool admin, const struct text *request, int turns)
{
    static const char good[] = "HTTP/1.1 200 ", every[] = "HTTP/1.1 ";
    converse(s, port_of(admin ? &s->node.admin : &s->node.service), request, turns);
    const struct text *in = &s->client.in;
    fuzz_must(memcmp(text_str(in), every, in->len < strlen(every) ? in->len : strlen(every)) == 0);
    bool well = in->len >= strlen(good) && memcmp(in->at, good, strlen(good)) == 0;
    conn_deinit(&s->client);
    return well;
}

static void ask_as_told(struct stage *s, const char *at, size_t len)
{
    bool admin = len > 0 && *at == 'a';
    at += len > 0;
    len -= len > 0;
    scoped_text struct text request = {0};
    const char *body = memmem(at, len, "\n\n", 2);
    size_t head_len = body ? (size_t)(body - at) : len;
    write_request(&request, at, head_len, body ? body + 2 : "", body ? len - head_len - 2 : 0);
    (void)ask(s, admin, &request, TURNS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct stage s = {0};
    stage_open(&s, roles[data[0] % array_len(roles)]);
    const char *at = (const char *)data + 1, *end = (const char *)data + size;
    for (int i = 0; i < REQUESTS && at < end; i++) {
        const char *stop = memchr(at, '\0', (size_t)(end - at));
        ask_as_told(&s, at, (size_t)((stop ? stop : end) - at));
        at = stop ? stop + 1 : end;
    }
    scoped_text struct text last = {0};
    write_request(&last, "GET /livez", strlen("GET /livez"), "", 0);
    fuzz_must(ask(&s, true, &last, LAST_TURNS));
    stage_close(&s);
    return 0;
}
