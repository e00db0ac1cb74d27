/* SPDX-License-Identifier: MIT */
/* Nodes: a crash is refused, a power loss is silent, a frozen one shakes hands and says nothing; disks and drift. */
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/live/lab_stage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE (300 * NS_PER_MS)

static void must(struct stage *s, int rc, const char *doing)
{
    if (rc != 0) {
        stage_give_up(s, doing);
    }
}

static void await_answer(struct stage *s, struct lab *lab, uint16_t node)
{
    uint16_t client = stage_client(&s->topo, 0);
    enum knock k = KNOCK_SILENT;
    for (int i = 0; i < 100 && (k = stage_knock(lab, client, node, NS_PER_S)) != KNOCK_ANSWERED; i++) {
        stage_pass_ms(10);
    }
    CHECK(k == KNOCK_ANSWERED);
}

static void crash(struct stage *s)
{
    stage_topology(&s->topo, 2, 2);
    struct lab *lab = stage_open(s);
    uint16_t client = stage_client(&s->topo, 0);
    must(s, lab_netns.node_kill(lab, 0, &s->err), "kill");
    CHECK(lab_netns.node_state(lab, 0) == NODE_DOWN);
    CHECK(stage_knock(lab, client, 0, PATIENCE) == KNOCK_REFUSED);
    CHECK(stage_knock(lab, client, 1, PATIENCE) == KNOCK_ANSWERED);
    must(s, lab_netns.node_kill(lab, 0, &s->err), "kill a dead one");
    must(s, lab_netns.node_start(lab, 0, false, &s->err), "start");
    await_answer(s, lab, 0);
    CHECK(lab_netns.node_state(lab, 0) == NODE_UP);
    lab_netns.close(lab);
}

static void power(struct stage *s)
{
    stage_topology(&s->topo, 2, 2);
    struct lab *lab = stage_open(s);
    uint16_t client = stage_client(&s->topo, 0);
    for (uint16_t n = 0; n < 3; n++) {
        must(s, lab_netns.node_unplug(lab, n, true, &s->err), "unplug");
        must(s, lab_netns.node_unplug(lab, n, true, &s->err), "unplug again");
        must(s, lab_netns.node_kill(lab, n, &s->err), "kill");
    }
    for (uint16_t n = 0; n < 3; n++) {
        CHECK(stage_knock(lab, client, n, PATIENCE) == KNOCK_SILENT);
    }
    CHECK(stage_knock(lab, client, 3, PATIENCE) == KNOCK_ANSWERED);
    for (uint16_t n = 0; n < 3; n++) {
        must(s, lab_netns.node_unplug(lab, n, false, &s->err), "plug in");
        must(s, lab_netns.node_start(lab, n, true, &s->err), "start with a fresh disk");
        await_answer(s, lab, n);
    }
    lab_netns.close(lab);
}

static void freeze(struct stage *s)
{
    stage_topology(&s->topo, 2, 1);
    struct lab *lab = stage_open(s);
    uint16_t client = stage_client(&s->topo, 0);
    must(s, lab_netns.node_freeze(lab, 0, true, &s->err), "freeze");
    CHECK(lab_netns.node_state(lab, 0) == NODE_FROZEN);
    CHECK(stage_knock(lab, client, 0, PATIENCE) == KNOCK_CONNECTED_SILENT);
    must(s, lab_netns.node_freeze(lab, 0, false, &s->err), "thaw");
    CHECK(lab_netns.node_state(lab, 0) == NODE_UP);
    await_answer(s, lab, 0);
    lab_netns.close(lab);
}

static void take_config(void *arg, const struct lab_answer *a)
{
    char *to = arg;
    snprintf(to, 65, "%s", a->body ? json_string_value(json_object_get(a->body, "config")) : "none");
}

static void running_config(struct lab *lab, uint16_t node, char to[65])
{
    struct err e = {0};
    to[0] = '\0';
    bool never = false;
    CHECK(lab_netns.admin(lab, node, "GET", "/status", NULL, NS_PER_S, take_config, to, &e) == 0);
    for (int i = 0; i < 100 && !to[0]; i++) {
        loop_run(lab_netns.loop(lab), clock_mono_ns() + 10 * NS_PER_MS, &never, &e);
    }
}

static void drift(struct stage *s)
{
    stage_topology(&s->topo, 2, 1);
    struct lab *lab = stage_open(s);
    char before[65], after[65], wanted[SHA256_HEX];
    running_config(lab, 0, before);
    scoped_json json_t *config = NULL;
    must(s, lab_netns.node_config_get(lab, 0, &config, &s->err), "read the configuration");
    json_fingerprint(config, wanted);
    CHECK(strcmp(before, wanted) == 0);
    json_object_set_new(config, "drain_ms", json_integer(1));
    struct lab_file file = {.mode = 0600, .bytes.at = json_canonical(config)};
    file.bytes.len = strlen(file.bytes.at);
    must(s, lab_netns.node_file_set(lab, 0, &file, &s->err), "write the configuration");
    text_deinit(&file.bytes);
    must(s, lab_netns.node_signal(lab, 0, SIGHUP, &s->err), "hang up");
    json_fingerprint(config, wanted);
    for (int i = 0; i < 50; i++) {
        running_config(lab, 0, after);
        if (strcmp(after, wanted) == 0) {
            break;
        }
        stage_pass_ms(10);
    }
    CHECK(strcmp(after, wanted) == 0);
    must(s, lab_netns.node_kill(lab, 0, &s->err), "kill");
    must(s, lab_netns.node_start(lab, 0, false, &s->err), "start");
    await_answer(s, lab, 0);
    running_config(lab, 0, after);
    CHECK(strcmp(after, wanted) == 0); /* the disk was kept, and so was what stood on it */
    must(s, lab_netns.node_kill(lab, 0, &s->err), "kill");
    must(s, lab_netns.node_start(lab, 0, true, &s->err), "start");
    await_answer(s, lab, 0);
    running_config(lab, 0, after);
    CHECK(strcmp(after, before) == 0);
    lab_netns.close(lab);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"crash", crash}, {"power", power}, {"freeze", freeze}, {"configuration", drift}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
