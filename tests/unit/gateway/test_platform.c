/* SPDX-License-Identifier: MIT */
/*
 * Control endpoints, the gateway that asks them, and an origin that scales: real nodes on loopback, one loop.
 */
#include "gateway-under-test/desired.h"
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/gateway/scratch.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct loop *loop;
static char folder[64];
static int ports[6];

static int set_up(void)
{
    loop = loop_new(NULL);
    return loop == NULL || scratch_folder(folder, sizeof(folder), "platform") != 0 ||
           scratch_ports(ports, array_len(ports)) != 0;
}

static int tear_down(void)
{
    loop_free(loop);
    return scratch_remove(folder);
}

static void in_folder(struct text *path, const char *name)
{
    text_clear(path);
    text_addf(path, "%s/%s", folder, name);
}

static struct config *configured(const char *text)
{
    struct err e = {0};
    struct config *c = NULL;
    scoped_json json_t *doc = json_read(text, strlen(text), "test", &e);
    if (doc == NULL || config_parse(doc, "test", &c, &e) < 0)
        printf("%s: %s\n", e.at, e.msg);
    return c;
}

/* A gateway's configuration, told apart by the path of its route. */
static const char *gateway_text(const char *path)
{
    static char text[2048];
    snprintf(text, sizeof(text),
             "{\"node\":\"us-east/1\",\"role\":\"gateway\",\"region\":\"us-east\",\"listen\":8080,\"admin\":9900,"
             "\"routes\":{\"x\":{\"path\":\"%s\",\"upstream\":\"http://10.0.0.1:81\"}},\"pools\":{},"
             "\"control\":{\"endpoints\":["
             "{\"address\":\"127.0.0.1\",\"port\":%d},{\"address\":\"127.0.0.1\",\"port\":%d}],"
             "\"wait_ms\":400,\"stale_after_ms\":500,\"when_stale\":\"refuse\"}}",
             path, ports[0], ports[2]);
    return text;
}

static void publish(const char *endpoint, int epoch, const char *path)
{
    scoped_text struct text at = {0}, doc = {0};
    char name[64];
    snprintf(name, sizeof(name), "%s", endpoint);
    in_folder(&at, name);
    mkdir(text_str(&at), 0700);
    text_add(&at, "/desired");
    mkdir(text_str(&at), 0700);
    text_add(&at, "/us-east");
    mkdir(text_str(&at), 0700);
    text_add(&at, "/1.json");
    text_addf(&doc, "{\"epoch\":%d,\"config\":%s}", epoch, gateway_text(path));
    CU_ASSERT_EQUAL(file_replace(text_str(&at), text_str(&doc), doc.len, NULL), 0);
}

struct endpoint {
    struct node node;
    struct text data;
};

static void endpoint_open(struct endpoint *p, const char *name, int first_port)
{
    struct err e = {0};
    char text[256];
    in_folder(&p->data, name);
    p->node.data_dir = text_str(&p->data);
    snprintf(text, sizeof(text),
             "{\"node\":\"us-east/control-1\",\"role\":\"control\",\"region\":\"us-east\",\"listen\":%d,\"admin\":%d}",
             ports[first_port], ports[first_port + 1]);
    CU_ASSERT_EQUAL(node_open(&p->node, loop, configured(text), &e), 0);
}

static void endpoint_close(struct endpoint *p)
{
    node_close(&p->node);
    text_deinit(&p->data);
    *p = (struct endpoint){0};
}

struct asker {
    struct node node;
    struct desired desired;
    struct text data;
};

static void asker_open(struct asker *a)
{
    struct err e = {0};
    in_folder(&a->data, "gateway");
    mkdir(text_str(&a->data), 0700);
    a->node = (struct node){.loop = loop,
                            .config = configured(gateway_text("/")),
                            .data_dir = text_str(&a->data),
                            .started_ns = loop_tick(loop)};
    rng_init(&a->node.rng, 1, "test");
    CU_ASSERT_EQUAL(desired_open(&a->desired, &a->node, &e), 0);
}

static void asker_close(struct asker *a)
{
    desired_close(&a->desired);
    config_free(a->node.config);
    text_deinit(&a->data);
    *a = (struct asker){0};
}

/* Let the loop run, looking as drift.c does, until this path is desired or the time is over. */
static bool desires(struct asker *a, const char *path, int64_t within_ms)
{
    int64_t until = loop_tick(loop) + within_ms * NS_PER_MS;
    while (strcmp(a->desired.in_force->routes[0].path, path) != 0 && loop_tick(loop) < until) {
        loop_run(loop, loop_now(loop) + 10 * NS_PER_MS, NULL, NULL);
        desired_look(&a->desired, loop_tick(loop));
    }
    return strcmp(a->desired.in_force->routes[0].path, path) == 0;
}

static void wait_ms(struct asker *a, int64_t ms)
{
    (void)desires(a, "no such path", ms);
}

static void news_are_heard_at_once(void)
{
    struct endpoint east = {0};
    struct asker a = {0};
    publish("east", 1, "/one");
    endpoint_open(&east, "east", 0);
    asker_open(&a);
    CU_ASSERT(desires(&a, "/one", 1000) && a.desired.fresh);
    wait_ms(&a, 100); /* the next question waits at the endpoint by now */
    publish("east", 2, "/two");
    CU_ASSERT(desires(&a, "/two", 300));
    CU_ASSERT(a.desired.delivery.epoch == 2 && a.desired.delivery.failures == 0);
    int64_t served = east.node.counters[COUNTER_configs_served];
    wait_ms(&a, 900); /* questions without news confirm what is known */
    CU_ASSERT(east.node.counters[COUNTER_configs_served] == served);
    CU_ASSERT(loop_now(loop) - a.desired.as_of < 600 * NS_PER_MS);
    asker_close(&a);
    endpoint_close(&east);
}

static void another_region_is_asked_when_the_own_is_silent(void)
{
    struct endpoint west = {0};
    struct asker a = {0};
    publish("west", 3, "/west");
    endpoint_open(&west, "west", 2);
    asker_open(&a);
    CU_ASSERT(desires(&a, "/west", 1500));
    asker_close(&a);
    endpoint_close(&west);
}

static void a_lower_epoch_is_refused(void)
{
    struct endpoint east = {0};
    struct asker a = {0};
    publish("east", 7, "/seven");
    endpoint_open(&east, "east", 0);
    asker_open(&a);
    CU_ASSERT(desires(&a, "/seven", 1000));
    publish("east", 6, "/six");
    CU_ASSERT_FALSE(desires(&a, "/six", 700));
    CU_ASSERT(a.node.counters[COUNTER_configs_outdated] > 0 && a.desired.delivery.epoch == 7);
    publish("east", 8, "/eight");
    CU_ASSERT(desires(&a, "/eight", 1500));
    asker_close(&a);
    endpoint_close(&east);
}

static void what_was_wanted_last_outlives_the_control_plane(void)
{
    struct endpoint east = {0};
    struct asker a = {0};
    publish("east", 9, "/nine");
    endpoint_open(&east, "east", 0);
    asker_open(&a);
    CU_ASSERT(desires(&a, "/nine", 1000));
    endpoint_close(&east);
    wait_ms(&a, 600);
    CU_ASSERT(loop_now(loop) - a.desired.as_of > 500 * NS_PER_MS && a.desired.delivery.failures > 0);
    asker_close(&a);
    asker_open(&a); /* starts again, from a file that says something else, and hears nobody */
    CU_ASSERT_STRING_EQUAL(a.desired.in_force->routes[0].path, "/nine");
    CU_ASSERT(a.desired.delivery.epoch == 9 && a.node.started_ns - a.desired.as_of > 400 * NS_PER_MS);
    asker_close(&a);
}

static void what_shrinks_is_not_let_in(void)
{
    struct endpoint east = {0};
    struct asker a = {0};
    struct err e = {0};
    scoped_text struct text path = {0}, doc = {0};
    publish("east", 10, "/ten");
    endpoint_open(&east, "east", 0);
    asker_open(&a);
    CU_ASSERT(desires(&a, "/ten", 1000));
    scoped_json json_t *empty = json_read(gateway_text("/ten"), strlen(gateway_text("/ten")), "test", &e);
    json_object_set_new(empty, "routes", json_object());
    scoped_free char *bytes = json_canonical(empty);
    text_addf(&doc, "{\"epoch\":11,\"config\":%s}", bytes);
    in_folder(&path, "east/desired/us-east/1.json");
    CU_ASSERT_EQUAL(file_replace(text_str(&path), text_str(&doc), doc.len, &e), 0);
    wait_ms(&a, 500);
    CU_ASSERT(a.desired.in_force->route_count == 1 && a.desired.refused[0] != '\0');
    asker_close(&a);
    endpoint_close(&east);
}

static void a_gateway(struct node *n, const char *more)
{
    struct err e = {0};
    char text[1024];
    snprintf(text, sizeof(text),
             "{\"node\":\"us-east/1\",\"role\":\"gateway\",\"region\":\"us-east\",\"listen\":%d,\"admin\":%d,"
             "\"routes\":{\"x\":{\"upstream\":\"http://127.0.0.1:1\"}},\"pools\":{}%s}",
             ports[4], ports[5], more);
    CU_ASSERT_EQUAL(file_replace(n->config_path, text, strlen(text), &e), 0);
    CU_ASSERT_EQUAL(node_open(n, loop, configured(text), &e), 0);
}

static void pass(int64_t ms)
{
    loop_run(loop, loop_tick(loop) + ms * NS_PER_MS, NULL, NULL);
}

static void a_drifted_gateway_keeps_out_until_it_is_put_right(void)
{
    static const char quarantined[] = ",\"drift\":{\"policy\":\"quarantine\",\"check_ms\":20}";
    scoped_text struct text file = {0}, bytes = {0};
    in_folder(&file, "gateway.json");
    struct node n = {.config_path = text_str(&file)};
    a_gateway(&n, quarantined);
    struct gateway *g = n.self;
    pass(60);
    CU_ASSERT(g->drift.kind == DRIFT_none && !drift_keeps_out(&g->drift));
    CU_ASSERT_EQUAL(text_read_file(&bytes, text_str(&file), 4096, NULL), 0);
    CU_ASSERT_EQUAL(file_replace(text_str(&file), "{}", 2, NULL), 0);
    pass(60);
    CU_ASSERT(g->drift.kind == DRIFT_file_edit && drift_keeps_out(&g->drift) && !n.ops->ready(&n));
    pass(200);
    CU_ASSERT(drift_keeps_out(&g->drift)); /* it does not help itself */
    CU_ASSERT_EQUAL(file_replace(text_str(&file), text_str(&bytes), bytes.len, NULL), 0);
    pass(60);
    CU_ASSERT_FALSE(drift_keeps_out(&g->drift));
    node_close(&n);
}

static void out_of_touch_it_refuses_only_when_told_to(void)
{
    static const char *const words[] = {"serve", "refuse"};
    for (int i = 0; i < 2; i++) {
        scoped_text struct text file = {0};
        char more[256];
        in_folder(&file, "lonely.json");
        struct node n = {.config_path = text_str(&file)};
        snprintf(more, sizeof(more),
                 ",\"control\":{\"endpoints\":[{\"address\":\"127.0.0.1\",\"port\":%d}],"
                 "\"stale_after_ms\":100,\"when_stale\":\"%s\"}",
                 ports[0], words[i]);
        a_gateway(&n, more);
        struct gateway *g = n.self;
        CU_ASSERT_FALSE(drift_out_of_touch(&g->drift));
        pass(200);
        CU_ASSERT_EQUAL(drift_out_of_touch(&g->drift), i == 1);
        node_close(&n);
    }
}

/* A question for what an asker has that has this. */
static void question(struct text *out, int epoch, const char *path, int wait_ms)
{
    char fingerprint[SHA256_HEX];
    struct config *c = configured(gateway_text(path));
    json_fingerprint(c->doc, fingerprint);
    text_addf(out, "GET /v1/desired/us-east/1?epoch=%d&fingerprint=%s&wait_ms=%d HTTP/1.1\r\nHost: c\r\n\r\n", epoch,
              fingerprint, wait_ms);
    config_free(c);
}

/* How many answers come before the time is over, of these at most. */
static int answers(int fd, int most, int64_t within_ms)
{
    char bytes[16 * 1024] = "";
    int n = 0;
    size_t len = 0;
    for (int64_t until = loop_tick(loop) + within_ms * NS_PER_MS; n < most && loop_tick(loop) < until;) {
        pass(5);
        ssize_t got = recv(fd, bytes + len, sizeof(bytes) - 1 - len, MSG_DONTWAIT);
        len += got > 0 ? (size_t)got : 0;
        bytes[len] = '\0';
        n = 0;
        for (const char *at = bytes; (at = strstr(at, "HTTP/1.1 200 ")) != NULL; at++)
            n++;
    }
    return n;
}

static void questions_in_one_go_are_all_answered(void)
{
    struct endpoint east = {0};
    scoped_text struct text out = {0};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)ports[0]), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    publish("pipelined", 1, "/one");
    endpoint_open(&east, "pipelined", 0);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    question(&out, 1, "/one", 10000);
    question(&out, 2, "/two", 200); /* it is seen when the first is answered, and then has to wait, too */
    CU_ASSERT_EQUAL(send(fd, out.at, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    CU_ASSERT_EQUAL(answers(fd, 1, 100), 0);
    publish("pipelined", 2, "/two");
    CU_ASSERT_EQUAL(answers(fd, 2, 3000), 2);
    endpoint_close(&east);
}

/* A client of an origin. */
struct client {
    struct upstream up;
    struct call call;
    int64_t began, took;
    int status;
    bool over;
};

static void on_client(struct call *c, enum call_end end)
{
    struct client *me = owner_of(c, struct client, call);
    me->over = true;
    me->status = end == CALL_ANSWERED ? c->res.status : -(int)end;
    me->took = loop_now(loop) - me->began;
}

static void client_ask(struct client *me, int64_t patience_ms)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)ports[4]), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    *me = (struct client){.began = loop_tick(loop)};
    upstream_init(&me->up, loop, &to);
    text_add(&me->call.request, "GET /bytes/10 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    call_start(&me->call, &me->up, (struct call_times){patience_ms, patience_ms}, false, on_client);
}

static void client_wait(struct client *me)
{
    int64_t until = loop_tick(loop) + 5 * NS_PER_S;
    while (!me->over && loop_tick(loop) < until)
        loop_run(loop, loop_now(loop) + NS_PER_MS, NULL, NULL);
    call_deinit(&me->call);
    upstream_deinit(&me->up);
}

static json_int_t scaling_says(struct node *n, const char *key)
{
    scoped_json json_t *into = json_object();
    n->ops->status(n, into);
    return json_integer_value(json_object_get(json_object_get(into, "scaling"), key));
}

static void instances_come_with_requests_and_go_without(void)
{
    struct err e = {0};
    char text[512];
    struct node n = {.data_dir = folder};
    struct client one, crowd[12];
    snprintf(text, sizeof(text),
             "{\"node\":\"us-east/origin-1\",\"role\":\"origin\",\"region\":\"us-east\",\"listen\":%d,\"admin\":%d,"
             "\"store\":{\"mode\":\"async\",\"port\":%d,\"home\":true},"
             "\"scaling\":{\"cold_start_ms\":200,\"warm_up_ms\":100,\"per_instance\":2,\"most\":4,\"least\":0,"
             "\"idle_after_ms\":150}}",
             ports[4], ports[5], ports[3]);
    CU_ASSERT_EQUAL(node_open(&n, loop, configured(text), &e), 0);
    CU_ASSERT_EQUAL(scaling_says(&n, "instances"), 0);
    client_ask(&one, 2000);
    client_wait(&one);
    CU_ASSERT(one.status == 200 && one.took >= 200 * NS_PER_MS && one.took < 400 * NS_PER_MS);
    client_ask(&one, 2000);
    client_wait(&one);
    CU_ASSERT(one.status == 200 && one.took < 100 * NS_PER_MS);
    pass(700);
    CU_ASSERT_EQUAL(scaling_says(&n, "instances"), 0);

    for (size_t i = 0; i < array_len(crowd); i++)
        client_ask(&crowd[i], 2000);
    pass(100);
    CU_ASSERT(scaling_says(&n, "instances") == 4 && scaling_says(&n, "up") == 0 && scaling_says(&n, "waiting") == 12);
    for (size_t i = 0; i < array_len(crowd); i++) {
        client_wait(&crowd[i]);
        CU_ASSERT(crowd[i].status == 200);
    }
    pass(1200);

    client_ask(&one, 50); /* leaves before an instance is there */
    client_wait(&one);
    CU_ASSERT_EQUAL(one.status, -CALL_TIMEOUT);
    int64_t before = n.counters[COUNTER_requests];
    pass(300);
    CU_ASSERT(scaling_says(&n, "waiting") == 0 && n.counters[COUNTER_requests] == before);
    node_close(&n);
}

void suite_platform(void)
{
    runner_suite(set_up, tear_down);
    runner_test(news_are_heard_at_once);
    runner_test(another_region_is_asked_when_the_own_is_silent);
    runner_test(a_lower_epoch_is_refused);
    runner_test(what_was_wanted_last_outlives_the_control_plane);
    runner_test(what_shrinks_is_not_let_in);
    runner_test(a_drifted_gateway_keeps_out_until_it_is_put_right);
    runner_test(out_of_touch_it_refuses_only_when_told_to);
    runner_test(questions_in_one_go_are_all_answered);
    runner_test(instances_come_with_requests_and_go_without);
}
