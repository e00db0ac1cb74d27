/* SPDX-License-Identifier: MIT */
/*
 * A patch in the process: GET /config says what runs, PUT /config replaces it, provided that it still is what was read.
 * That condition makes a heal safe: a gateway that has put itself right meanwhile refuses, and is left alone. And since
 * a configuration has its node's name in it, no other node can take what was meant for this one.
 *
 * Should the loop fail while an answer is waited for, the call is left to free itself.
 */
#include "injectors/drift_file.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#define PATIENCE_NS (500 * NS_PER_MS)
#define STEP_NS (5 * NS_PER_MS)
#define CONFLICT 409

struct drift_call {
    bool over, abandoned;
    int status;
    json_t *body;
};

static void end_call(struct drift_call *c)
{
    json_decref(c->body);
    free(c);
}

static void take(void *arg, const struct lab_answer *answer)
{
    struct drift_call *c = arg;
    c->over = true;
    c->status = answer->status;
    c->body = answer->body ? json_incref(answer->body) : NULL;
    if (c->abandoned) {
        end_call(c);
    }
}

static struct drift_call *begin_call(const struct injection *in, uint16_t node, const char *method, const char *body,
                                     struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    struct drift_call *c = xcalloc(1, sizeof(*c));
    if (lab->ops->admin(lab, node, method, "/config", body, PATIENCE_NS, take, c, e) != 0) {
        free(c);
        return NULL;
    }
    return c;
}

/* Until it is over; the answer's status, 0 for none, -1 with e. *out takes the body. */
static int finish_call(const struct injection *in, struct drift_call *c, json_t **out, struct err *e)
{
    struct loop *loop = fabric_lab(in->fabric)->ops->loop(fabric_lab(in->fabric));
    while (!c->over) {
        if (loop_run(loop, loop_now(loop) + STEP_NS, NULL, e) < 0) {
            c->abandoned = true;
            return -1;
        }
    }
    int status = c->status;
    *out = steal(&c->body);
    end_call(c);
    return status;
}

static int refused(const struct injection *in, uint16_t node, const char *doing, int status, struct err *e)
{
    return err_set(e, ERR_RUN, fabric_topology(in->fabric)->nodes[node].name, "%s: %s %d", doing,
                   status ? "refused with" : "no answer,", status);
}

int drift_running_get(const struct injection *in, uint16_t node, json_t **config, struct err *e)
{
    struct drift_call *c = begin_call(in, node, "GET", NULL, e);
    int status = c ? finish_call(in, c, config, e) : -1;
    if (status == 200 && *config) {
        return 0;
    }
    json_decref(steal(config));
    return status < 0 ? -1 : refused(in, node, "what it runs", status, e);
}

static char *order(const char *from, const json_t *config)
{
    scoped_json json_t *doc = json_pack("{s:s, s:O}", "from", from, "config", config);
    return json_canonical(doc);
}

int drift_running_set(const struct injection *in, uint16_t node, const char *from, const json_t *config, struct err *e)
{
    scoped_free char *body = order(from, config);
    scoped_json json_t *answer = NULL;
    struct drift_call *c = begin_call(in, node, "PUT", body, e);
    int status = c ? finish_call(in, c, &answer, e) : -1;
    if (status == 200 || status < 0) {
        return status == 200 ? 0 : -1;
    }
    return refused(in, node, status == CONFLICT ? "it runs another one by now" : "a patch of what it runs", status, e);
}

static void take_told(void *arg, const struct lab_answer *answer)
{
    bool *telling = arg;
    (void)answer;
    *telling = false;
}

void drift_running_tell(const struct injection *in, uint16_t node, const char *from, const json_t *config,
                        bool *telling)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_free char *body = order(from, config);
    if (!*telling) {
        *telling = lab->ops->admin(lab, node, "PUT", "/config", body, PATIENCE_NS, take_told, telling, NULL) == 0;
    }
}
