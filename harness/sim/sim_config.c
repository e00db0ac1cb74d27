/* SPDX-License-Identifier: MIT */
/*
 * Configurations in the model: what lies on a node's disk, what it runs, what is desired of it, and how a gateway
 * brings them together. It looks once a second whether all three agree and puts it right two seconds after it noticed,
 * unless it is flawed. A file that cannot be read, or is no configuration, changes nothing that runs.
 */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <string.h>

#define DRIFT_CHECK_NS NS_PER_S
#define REVERT_NS (2 * NS_PER_S)

static struct sim_node *node_of(struct lab *lab, uint16_t node)
{
    return &((struct sim *)lab)->nodes[node];
}

const char *sim_file_word(const struct sim_node *n)
{
    return n->file_state == LAB_FILE_MISSING      ? "missing"
           : n->file_state == LAB_FILE_UNREADABLE ? "unreadable"
           : n->broken                            ? "broken"
                                                  : "ok";
}

static bool file_is_configuration(const struct sim_node *n)
{
    return n->file_state == LAB_FILE_READABLE && !n->broken;
}

void sim_config_new(struct sim *s, uint16_t node)
{
    struct sim_node *n = &s->nodes[node];
    n->desired = sim_node_config(s->topology, node);
    n->config = json_incref(n->desired);
    n->file = json_incref(n->desired);
    n->applied = json_incref(n->desired);
    n->reached = json_incref(n->desired);
}

/* Takes wanted. */
static void apply(struct sim_node *n, json_t *wanted)
{
    json_decref(n->config);
    json_decref(n->applied);
    n->config = wanted;
    n->applied = json_incref(wanted);
}

void sim_config_free(struct sim_node *n)
{
    json_decref(n->config);
    json_decref(n->file);
    json_decref(n->desired);
    json_decref(n->published);
    json_decref(n->refused);
    json_decref(n->applied);
    json_decref(n->reached);
    free(n->broken);
}

void sim_config_reload(struct sim_node *n)
{
    if (file_is_configuration(n))
        apply(n, json_incref(n->file));
}

int sim_config_patch(struct sim_node *n, const json_t *order)
{
    char running[SHA256_HEX];
    const char *from = json_string_value(json_object_get(order, "from"));
    json_t *config = json_object_get(order, "config");
    json_fingerprint(n->config, running);
    if (!from || !json_is_object(config))
        return 400;
    if (!text_eq(from, running))
        return 409;
    json_decref(n->config);
    n->config = json_incref(config);
    return 200;
}

const char *sim_drift_kind(const struct sim_node *n)
{
    if (json_equal(n->config, n->desired))
        return "file_edit";
    if (json_equal(n->config, n->reached))
        return "lagging";
    if (!json_equal(n->config, n->applied))
        return "runtime_patch";
    return file_is_configuration(n) && json_equal(n->file, n->config) ? "file_edit" : "foreign";
}

int sim_node_config_get(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    struct sim_node *n = node_of(lab, node);
    if (!file_is_configuration(n))
        return err_set(e, ERR_READING, ((struct sim *)lab)->topology->nodes[node].name, "its file is %s",
                       sim_file_word(n));
    *config = json_incref(n->file);
    return 0;
}

int sim_node_config_first(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    (void)e;
    *config = sim_node_config(((struct sim *)lab)->topology, node);
    return 0;
}

int sim_node_file_get(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e)
{
    (void)e;
    const struct sim_node *n = node_of(lab, node);
    file->state = n->file_state;
    file->mode = 0644;
    scoped_free char *bytes = n->broken ? xstrdup(n->broken) : json_canonical(n->file);
    if (n->file_state == LAB_FILE_READABLE)
        text_add(&file->bytes, bytes);
    return 0;
}

int sim_node_file_set(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e)
{
    (void)e;
    struct sim_node *n = node_of(lab, node);
    json_t *config = json_read(text_str(&file->bytes), file->bytes.len, "file", NULL);
    free(n->broken);
    n->file_state = file->state;
    n->broken = file->state == LAB_FILE_READABLE && !config ? xstrdup(text_str(&file->bytes)) : NULL;
    if (config) {
        json_decref(n->file);
        n->file = config;
    }
    return 0;
}

int sim_node_desired_get(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    (void)e;
    const struct sim_node *n = node_of(lab, node);
    *config = json_incref(n->published ? n->published : n->refused ? n->refused : n->desired);
    return 0;
}

/* What is published comes in as soon as no lag holds it back. */
static void fetch_desired(struct sim *s, uint16_t node, int64_t now)
{
    struct sim_node *n = &s->nodes[node];
    struct sim_slot lag = sim_lag(s, node, s->topology->nodes[node].site);
    if (lag.stop || !sim_hears(s, node))
        return;
    n->desired_as_of_ns = n->desired_as_of_ns > now - lag.delay_ns ? n->desired_as_of_ns : now - lag.delay_ns;
    if (!n->published || n->published_ns > now - lag.delay_ns)
        return;
    bool empty = json_object_size(json_object_get(n->published, "routes")) == 0;
    bool refuses = empty && !sim_flaw(s, "accept_empty_config");
    json_decref(n->refused);
    n->refused = refuses ? json_incref(n->published) : NULL;
    if (!refuses) {
        json_decref(n->desired);
        n->desired = json_incref(n->published);
    }
    json_decref(n->published);
    n->published = NULL;
}

int sim_node_desired_set(struct lab *lab, uint16_t node, const json_t *config, struct err *e)
{
    (void)e;
    struct sim_node *n = node_of(lab, node);
    json_decref(n->published);
    n->published = json_deep_copy(config);
    n->published_ns = loop_now(((struct sim *)lab)->loop);
    fetch_desired((struct sim *)lab, node, n->published_ns);
    return 0;
}

static void repair(struct sim_node *n)
{
    apply(n, json_incref(n->desired));
    json_decref(n->file);
    n->file = json_incref(n->desired);
    free(n->broken);
    n->broken = NULL;
    n->file_state = LAB_FILE_READABLE;
    n->drift_since_ns = 0;
}

static void gateway_drift_tick(struct sim *s, struct sim_node *n, int64_t now)
{
    if (json_equal(n->config, n->desired) && !json_equal(n->reached, n->desired)) {
        json_decref(n->reached);
        n->reached = json_incref(n->desired);
    }
    if (json_equal(n->config, n->desired) && file_is_configuration(n) && json_equal(n->file, n->config)) {
        n->drift_since_ns = 0;
        return;
    }
    if (!n->drift_since_ns) {
        if (now % DRIFT_CHECK_NS < 10 * NS_PER_MS)
            n->drift_since_ns = now;
        return;
    }
    if (now - n->drift_since_ns >= REVERT_NS && !sim_flaw(s, "drift_unreported"))
        repair(n);
}

void sim_config_tick(struct sim *s, int64_t now)
{
    for (uint16_t i = 0; i < s->topology->node_count; i++) {
        if (s->topology->nodes[i].role != NODE_GATEWAY || s->nodes[i].state != NODE_UP)
            continue;
        fetch_desired(s, i, now);
        gateway_drift_tick(s, &s->nodes[i], now);
    }
}
