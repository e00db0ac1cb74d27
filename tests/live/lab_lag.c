/* SPDX-License-Identifier: MIT */
/*
 * lag and clock in a real world of reference gateways, measured from outside: a customer in his own namespace goes on
 * writing, the stores and gateways are asked where they stand, each by its own admin port.
 */
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "injectors/injector.h"
#include "tests/live/lab_stage.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EAST, WEST, SOUTH, OPS_MAX = 4000, PAUSE_MS = 10, STANDS_MS = 1500 };

/* What the customer did, in memory that he shares with us. Instants are CLOCK_MONOTONIC. */
struct book {
    _Atomic int asked;
    int64_t sent_ns[OPS_MAX], acked_ns[OPS_MAX]; /* acked 0: not acknowledged */
};

struct world {
    struct stage *stage;
    struct lab *lab;
    struct fabric *fabric;
    struct book *book;
    struct child customer;
    const struct injector *injector;
    struct action action;
    struct injection in;
};

static void pass(struct world *w, int64_t ns)
{
    loop_run(lab_netns.loop(w->lab), clock_mono_ns() + ns, NULL, NULL);
}

/* The customer. */

static int write_op(const struct sockaddr_in *to, int n)
{
    char body[96], answer[64] = "";
    scoped_text struct text request = {0};
    int len = snprintf(body, sizeof(body), "{\"op\":\"c0-%d\",\"key\":\"k%d\",\"value\":\"%016d\"}", n, n % 16, n);
    text_addf(&request, "POST /v1/orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\nIdempotency-Key: r/c0-%d\r\n"
              "X-DR-Nonce: 0123456789abcdef\r\nContent-Length: %d\r\n\r\n%s", n, len, body);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0 ||
        send(fd, text_str(&request), request.len, MSG_NOSIGNAL) < 0 ||
        recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) < 12) {
        return 0;
    }
    return atoi(answer + 9);
}

static void be_customer(struct book *b, const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(TOPO_PORT_HTTP)};
    inet_pton(AF_INET, address, &to.sin_addr);
    for (int n = 0; n < OPS_MAX; n++) {
        b->sent_ns[n] = clock_mono_ns();
        b->acked_ns[n] = write_op(&to, n) == 200 ? clock_mono_ns() : 0;
        atomic_store(&b->asked, n + 1);
        stage_pass_ms(PAUSE_MS);
    }
    _exit(0);
}

static int acked_since(const struct book *b, int from)
{
    int n = 0;
    for (int i = from; i < atomic_load(&b->asked); i++) {
        n += b->acked_ns[i] != 0;
    }
    return n;
}

/* The world. */

static uint16_t store_of(const struct world *w, uint16_t region)
{
    const struct topo_site *s = &w->stage->topo.sites[region];
    return (uint16_t)(s->first_node + s->gateways);
}

struct answered {
    json_t *body;
    bool done;
};

static void take(void *arg, const struct lab_answer *a)
{
    struct answered *to = arg;
    to->body = json_incref(a->body);
    to->done = true;
}

static json_t *ask(struct world *w, uint16_t node, const char *target)
{
    struct answered got = {0};
    struct err e = {0};
    if (lab_netns.admin(w->lab, node, "GET", target, NULL, NS_PER_S, take, &got, &e) != 0) {
        return NULL;
    }
    loop_run(lab_netns.loop(w->lab), clock_mono_ns() + 2 * NS_PER_S, &got.done, &e);
    return got.body;
}

static json_int_t number(struct world *w, uint16_t node, const char *key)
{
    scoped_json json_t *status = ask(w, node, "/status");
    return json_integer_value(json_object_get(status, key));
}

static void await_service(struct world *w)
{
    int64_t until_ns = clock_mono_ns() + 15 * NS_PER_S;
    while (acked_since(w->book, 0) < 20 && clock_mono_ns() < until_ns) {
        pass(w, 20 * NS_PER_MS);
    }
    CHECK(acked_since(w->book, 0) >= 20);
}

static void begin(struct world *w, struct stage *s, uint16_t regions, const struct action *a)
{
    stage_topology(&s->topo, regions, 1);
    *w = (struct world){.stage = s, .injector = injector_find("lag"), .action = *a, .lab = stage_open(s)};
    if (fabric_new(&w->fabric, w->lab, &s->topo, &s->err) != 0) {
        stage_give_up(s, "fabric");
    }
    w->action.type = &w->injector->type;
    w->in = (struct injection){.fault = 1, .action = &w->action, .fabric = w->fabric};
    w->book = mmap(NULL, sizeof(*w->book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int side = lab_netns.client_fork(w->lab, stage_client(&s->topo, 0), &w->customer, &s->err);
    if (side == 0) {
        be_customer(w->book, s->topo.nodes[s->topo.sites[EAST].first_node].address);
    }
    CHECK(side == 1);
    await_service(w);
}

static void end(struct world *w)
{
    child_stop(&w->customer, 0, NULL);
    fabric_free(w->fabric);
    lab_netns.close(w->lab);
    free(w->in.state);
    munmap(w->book, sizeof(*w->book));
}

static void apply(struct world *w)
{
    w->in.begun_at_ns = lab_now(w->lab);
    if (w->injector->apply(&w->in, &w->stage->err) != 0) {
        stage_give_up(w->stage, "apply");
    }
    w->in.applied_at_ns = loop_tick(lab_netns.loop(w->lab)) - w->lab->zero_ns;
}

static enum proof prove(struct world *w, bool healed)
{
    int64_t begun = clock_mono_ns();
    enum proof p;
    do {
        p = w->injector->prove(&w->in, healed);
        pass(w, 20 * NS_PER_MS);
    } while (p != PROOF_PROVEN && clock_mono_ns() - begun < 6 * NS_PER_S * stage_slow());
    printf("lag %s after %.0f ms: %s\n", healed ? "healed" : "proven", (double)(clock_mono_ns() - begun) / 1e6,
           w->in.method);
    return p;
}

static void heal(struct world *w)
{
    for (int i = 0; i < 2; i++) { /* idempotent */
        if (w->injector->heal(&w->in, &w->stage->err) != 0) {
            stage_give_up(w->stage, "heal");
        }
    }
    w->in.healed_at_ns = loop_tick(lab_netns.loop(w->lab)) - w->lab->zero_ns;
}

/* One region's follower stands, another's goes on, and the customer notices nothing. */
static void stands_still(struct stage *s)
{
    struct world w;
    begin(&w, s, 3, &(struct action){.target = TARGET_REGION, .site = WEST, .stop = true});
    apply(&w);
    CHECK(prove(&w, false) == PROOF_PROVEN);
    json_int_t west = number(&w, store_of(&w, WEST), "lsn"), south = number(&w, store_of(&w, SOUTH), "lsn");
    int asked = atomic_load(&w.book->asked);
    pass(&w, STANDS_MS * NS_PER_MS);
    int answers = atomic_load(&w.book->asked) - asked;
    CHECK(number(&w, store_of(&w, WEST), "lsn") == west);
    CHECK(number(&w, store_of(&w, SOUTH), "lsn") > south + answers / 2);
    CHECK(answers > 20 && acked_since(w.book, asked) >= answers);
    CHECK(prove(&w, false) == PROOF_PROVEN);
    heal(&w);
    CHECK(prove(&w, true) == PROOF_PROVEN);
    CHECK(number(&w, store_of(&w, WEST), "lsn") > west + answers);
    end(&w);
}

/* When did the customer begin the newest write that the store has? */
static int64_t newest_sent_ns(struct world *w, uint16_t store)
{
    scoped_json json_t *status = ask(w, store, "/status");
    char target[64];
    snprintf(target, sizeof(target), "/v1/ops?from=%lld&limit=1",
             (long long)json_integer_value(json_object_get(status, "lsn")));
    scoped_json json_t *page = ask(w, store, target);
    const char *op = json_string_value(json_array_get(json_array_get(json_object_get(page, "ops"), 0), 0));
    int n = op ? atoi(op + 3) : -1;
    CHECK(n >= 0 && n < OPS_MAX);
    return n >= 0 && n < OPS_MAX ? w->book->sent_ns[n] : 0;
}

static void trails(struct stage *s)
{
    struct world w;
    begin(&w, s, 3, &(struct action){.target = TARGET_REGION, .site = WEST, .shape.delay_ns = NS_PER_S});
    apply(&w);
    CHECK(prove(&w, false) == PROOF_PROVEN);
    pass(&w, 1500 * NS_PER_MS);
    for (int i = 0; i < 5; i++) {
        int64_t before = clock_mono_ns(), west = newest_sent_ns(&w, store_of(&w, WEST)), after = clock_mono_ns();
        int64_t south = newest_sent_ns(&w, store_of(&w, SOUTH));
        CHECK(after - west >= NS_PER_S);            /* nothing younger than the delay */
        CHECK(before - west < 4 * NS_PER_S * stage_slow()); /* yet it goes on */
        CHECK(south > west);
        pass(&w, 100 * NS_PER_MS);
    }
    heal(&w);
    CHECK(prove(&w, true) == PROOF_PROVEN);
    end(&w);
}

/* Two layers on one region: healing one leaves the other. */
static void composes(struct stage *s)
{
    struct world w;
    begin(&w, s, 2, &(struct action){.target = TARGET_REGION, .site = WEST, .shape.delay_ns = NS_PER_S});
    struct action stop = {.type = &w.injector->type, .target = TARGET_REGION, .site = WEST, .stop = true};
    struct injection second = {.fault = 2, .action = &stop, .fabric = w.fabric};
    apply(&w);
    CHECK(w.injector->apply(&second, &s->err) == 0);
    heal(&w);
    pass(&w, 300 * NS_PER_MS);
    json_int_t west = number(&w, store_of(&w, WEST), "lsn");
    pass(&w, 1300 * NS_PER_MS);
    CHECK(number(&w, store_of(&w, WEST), "lsn") == west);
    CHECK(w.injector->heal(&second, &s->err) == 0);
    CHECK(prove(&w, true) == PROOF_PROVEN);
    CHECK(number(&w, store_of(&w, WEST), "lsn") > west);
    free(second.state);
    end(&w);
}

/* Messages are damaged and doubled on their way: the follower notices each, and no wrong record gets in. */
static void damages(struct stage *s)
{
    struct world w;
    const struct path_state often = {.corrupt_ppm = 100000, .duplicate_ppm = 500000}; /* of five records a second */
    begin(&w, s, 2, &(struct action){.target = TARGET_REGION, .site = WEST, .shape = often});
    uint16_t west = store_of(&w, WEST);
    json_int_t broken = number(&w, west, "frames_broken"), repeated = number(&w, west, "frames_repeated");
    apply(&w);
    CHECK(prove(&w, false) == PROOF_PROVEN);
    bool both = false;
    for (int i = 0; i < 200 && !both; i++) {
        both = number(&w, west, "frames_broken") > broken && number(&w, west, "frames_repeated") > repeated;
        pass(&w, 50 * NS_PER_MS);
    }
    CHECK(both);
    heal(&w);
    CHECK(prove(&w, true) == PROOF_PROVEN);
    child_stop(&w.customer, 0, NULL);
    bool equal = false;
    for (int i = 0; i < 40 && !equal; i++) {
        pass(&w, 50 * NS_PER_MS);
        scoped_json json_t *a = ask(&w, store_of(&w, EAST), "/status"), *b = ask(&w, west, "/status");
        json_t *digest = json_object_get(a, "digest");
        equal = json_is_string(digest) && json_equal(digest, json_object_get(b, "digest"));
    }
    CHECK(equal);
    end(&w);
}

/* Which of the customer's acknowledged writes the store has. */
static void read_ops(struct world *w, uint16_t store, bool has[OPS_MAX])
{
    for (long long from = 1; from > 0;) {
        char target[64];
        snprintf(target, sizeof(target), "/v1/ops?from=%lld&limit=500", from);
        scoped_json json_t *page = ask(w, store, target);
        const json_t *ops = json_object_get(page, "ops");
        for (size_t i = 0; i < json_array_size(ops); i++) {
            int n = atoi(json_string_value(json_array_get(json_array_get(ops, i), 0)) + 3);
            has[n >= 0 && n < OPS_MAX ? n : 0] = true;
        }
        from = json_integer_value(json_object_get(page, "next"));
    }
}

/* Replication stands for two seconds, then the leader loses its power: what is
 * lost goes back to the stop, no further. */
static void loses_what_was_not_shipped(struct stage *s)
{
    static bool has[OPS_MAX];
    struct world w;
    begin(&w, s, 2, &(struct action){.target = TARGET_REGION, .site = WEST, .stop = true});
    int64_t asked_ns = clock_mono_ns();
    apply(&w);
    int64_t stopped_ns = clock_mono_ns();
    pass(&w, 2 * NS_PER_S);
    int64_t killed_ns = clock_mono_ns();
    for (uint16_t n = 0; n < 2; n++) {
        lab_netns.node_kill(w.lab, (uint16_t)(s->topo.sites[EAST].first_node + n), NULL);
    }
    bool leads = false;
    for (int i = 0; i < 50 && !leads; i++) {
        pass(&w, 100 * NS_PER_MS);
        scoped_json json_t *west = ask(&w, store_of(&w, WEST), "/status");
        leads = json_is_true(json_object_get(west, "leader"));
    }
    read_ops(&w, store_of(&w, WEST), has);
    int64_t oldest = INT64_MAX;
    int lost = 0;
    for (int n = 0; n < atomic_load(&w.book->asked); n++) {
        bool gone = w.book->acked_ns[n] != 0 && w.book->acked_ns[n] < killed_ns && !has[n];
        lost += gone;
        oldest = gone && w.book->acked_ns[n] < oldest ? w.book->acked_ns[n] : oldest;
        CHECK(!gone || w.book->acked_ns[n] > asked_ns - s->topo.replication.every_ns - 200 * NS_PER_MS * stage_slow());
        CHECK(gone || w.book->acked_ns[n] == 0 || w.book->sent_ns[n] < stopped_ns);
    }
    printf("%d acknowledged writes lost, the oldest %.2f s before the kill; replication had stood for %.2f s\n", lost,
           (double)(killed_ns - oldest) / 1e9, (double)(killed_ns - stopped_ns) / 1e9);
    CHECK(lost > 20);
    end(&w);
}

/* The region's gateways go on with the old desired state; another region's take the new one. */
static void knows_the_old_configuration(struct stage *s)
{
    struct world w;
    begin(&w, s, 2, &(struct action){.target = TARGET_REGION, .site = WEST, .of_config = true, .stop = true});
    apply(&w);
    CHECK(prove(&w, false) == PROOF_PROVEN);
    char becomes[SHA256_HEX];
    for (uint16_t region = EAST; region <= WEST; region++) {
        uint16_t gateway = s->topo.sites[region].first_node;
        json_t *doc = NULL;
        CHECK(lab_netns.node_desired_get(w.lab, gateway, &doc, &s->err) == 0);
        json_object_set_new(doc, "drain_ms", json_integer(123));
        json_fingerprint(doc, becomes);
        CHECK(lab_netns.node_desired_set(w.lab, gateway, doc, &s->err) == 0);
        json_decref(doc);
    }
    pass(&w, 1500 * NS_PER_MS);
    scoped_json json_t *west = ask(&w, s->topo.sites[WEST].first_node, "/status");
    CHECK(strcmp(json_string_value(json_object_get(west, "desired")), becomes) != 0);
    heal(&w);
    CHECK(prove(&w, true) == PROOF_PROVEN);
    for (int i = 0; i < 20; i++) {
        scoped_json json_t *now = ask(&w, s->topo.sites[WEST].first_node, "/status");
        if (strcmp(json_string_value(json_object_get(now, "desired")), becomes) == 0) {
            break;
        }
        pass(&w, 100 * NS_PER_MS);
        CHECK(i < 19);
    }
    end(&w);
}

/* How far a node's own time is from the host's; the exchange lies between before and after. */
static double astray_s(struct world *w, uint16_t node)
{
    int64_t before = clock_wall_ns(), said = number(w, node, "time_us") * NS_PER_US;
    int64_t middle = (before + clock_wall_ns()) / 2;
    return (double)(said - middle) / 1e9;
}

static double seconds_off(double x)
{
    return x < 0 ? -x : x;
}

/* One node's clock jumps back an hour and then runs half as fast again; nobody else's does, and service goes on. */
static void tells_another_time(struct stage *s)
{
    struct world w;
    begin(&w, s, 2, &(struct action){.target = TARGET_NODE, .step_ns = -3600 * NS_PER_S, .clock_ppm = 1500000});
    uint16_t east = w.action.node = store_of(&w, EAST), west = store_of(&w, WEST);
    w.injector = injector_find("clock");
    w.action.type = &w.injector->type;
    int asked = atomic_load(&w.book->asked);
    apply(&w);
    CHECK(prove(&w, false) == PROOF_PROVEN);
    double first = astray_s(&w, east);
    pass(&w, NS_PER_S);
    CHECK(first < -3590 && first > -3601);
    CHECK(astray_s(&w, east) > first + 0.4);
    CHECK(seconds_off(astray_s(&w, west)) < 0.2 * stage_slow());
    heal(&w);
    CHECK(prove(&w, true) == PROOF_PROVEN);
    CHECK(seconds_off(astray_s(&w, east)) < 0.2 * stage_slow());
    CHECK(atomic_load(&w.book->asked) - asked > 20 &&
          acked_since(w.book, asked) >= atomic_load(&w.book->asked) - asked - 1);
    end(&w);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"a follower stands still", stands_still},
                                      {"a follower trails", trails},
                                      {"two lags of one region", composes},
                                      {"messages are damaged and doubled", damages},
                                      {"a leader dies with what was not shipped", loses_what_was_not_shipped},
                                      {"an old configuration", knows_the_old_configuration},
                                      {"a clock goes wrong", tells_another_time}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
