/* SPDX-License-Identifier: MIT */
/*
 * What a store hears from another one, by a real connection on loopback: the first byte says whether it follows or
 * leads, and whether CRCs are made right. The store is opened and closed for each input, on an empty directory.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 12

static const char follower[] =
    "{\"node\":\"eu-west/origin-1\",\"role\":\"origin\",\"region\":\"eu-west\",\"listen\":1,\"admin\":2,"
    "\"store\":{\"mode\":\"async\",\"port\":3,\"peers\":[{\"region\":\"us-east\",\"address\":\"127.0.0.1\","
    "\"port\":4}]}}";
static const char leader[] =
    "{\"node\":\"us-east/origin-1\",\"role\":\"origin\",\"region\":\"us-east\",\"listen\":1,\"admin\":2,"
    "\"store\":{\"mode\":\"sync\",\"home\":true,\"port\":3,\"peers\":[{\"region\":\"eu-west\","
    "\"address\":\"127.0.0.1\",\"port\":4}]}}";

struct stage {
    struct node node;
    struct store store;
    struct conn peer;
    int listener; /* where the leader's peer would be */
    const uint8_t *data;
    size_t size;
    bool mend;
};

static int port_of(int fd)
{
    struct sockaddr_in at = {0};
    socklen_t len = sizeof(at);
    fuzz_must(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    return ntohs(at.sin_port);
}

/* Frames end where their own length says; what is left over goes as it is. */
static void say(struct stage *s)
{
    unsigned char *bytes = xcalloc(s->size + 1, 1);
    if (s->size > 0)
        memcpy(bytes, s->data, s->size);
    for (size_t at = 0; s->mend && s->size - at >= FRAME_HEAD;) {
        size_t n = get_u32(bytes + at);
        if (n > s->size - at - FRAME_HEAD)
            break;
        put_u32(bytes + at + 4, crc32c(0, bytes + at + FRAME_HEAD, n));
        at += FRAME_HEAD + n;
    }
    conn_send(&s->peer, bytes, s->size);
    free(bytes);
}

static void heard(struct conn *c)
{
    conn_take(c, c->in.len);
    if (c->eof || c->error)
        conn_close(c);
}

static void stage_open(struct stage *s, const char *text)
{
    struct err e = {0};
    struct config *c = NULL;
    scoped_json json_t *doc = json_read(text, strlen(text), "node.json", &e);
    fuzz_must(doc && config_parse(doc, "node.json", &c, &e) == 0);
    s->node.config = c;
    s->node.data_dir = fuzz_folder();
    s->node.loop = loop_new(&e);
    s->listener = tcp_listen(0, &e);
    fuzz_must(s->node.loop && s->listener >= 0);
    c->store->port = 0; /* any that is free */
    c->store->peers[0].to.sin_port = htons((uint16_t)port_of(s->listener));
    fuzz_must(store_open(&s->store, &s->node, &e) == 0);
}

static void stage_connect(struct stage *s, bool follows)
{
    struct sockaddr_in to;
    if (follows) {
        fuzz_must(tcp_address("127.0.0.1", port_of(s->store.acceptor.fd), &to));
        fuzz_must(conn_dial(&s->peer, s->node.loop, &to, 1000, FRAME_MAX, heard) == 0);
        return;
    }
    int fd = -1;
    for (int i = 0; i < TURNS && fd < 0; i++) {
        (void)loop_run(s->node.loop, loop_now(s->node.loop) + NS_PER_MS, NULL, NULL);
        fd = tcp_accept(s->listener);
    }
    fuzz_must(fd >= 0 && conn_adopt(&s->peer, s->node.loop, fd, FRAME_MAX, heard) == 0);
}

static void stage_close(struct stage *s)
{
    conn_deinit(&s->peer);
    fd_close(&s->listener);
    store_close(&s->store);
    loop_free(s->node.loop);
    config_free(s->node.config);
    fuzz_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct stage s = {.data = data + 1, .size = size - 1, .mend = data[0] & 1};
    bool follows = data[0] & 2;
    stage_open(&s, follows ? follower : leader);
    stage_connect(&s, follows);
    say(&s);
    for (int i = 0; i < TURNS && s.peer.open; i++)
        (void)loop_run(s.node.loop, loop_tick(s.node.loop) + NS_PER_MS / 10, NULL, NULL);
    fuzz_must(index_last(&s.store.index) == (int64_t)s.store.log.ends.len);
    fuzz_must(s.store.epoch <= EPOCH_MAX);
    stage_close(&s);
    return 0;
}
