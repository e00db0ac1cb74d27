/* SPDX-License-Identifier: MIT */
/*
 * The control plane of a world that has one: each control endpoint hands out what lies in its data/desired/, a document
 * for each gateway. Whoever publishes puts a new document, with an epoch of its own, on the disk of every endpoint,
 * dead or alive, as an operator's pipeline would; which gateway hears of it when is up to the endpoints and the links.
 *
 * A new disk gets the documents of the first day: an endpoint that lost its disk comes back with less than the gateways
 * know.
 */
#include "harness/lab/netns.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/lab/render.h"

static int put_document(struct netns_lab *l, uint16_t endpoint, uint16_t gateway, int64_t epoch, const json_t *config,
                        struct err *e)
{
    scoped_text struct text name = {0}, folder = {0}, path = {0};
    text_addf(&name, "data/desired/%s", l->topo->sites[l->topo->nodes[gateway].site].name);
    netns_node_path(l, endpoint, text_str(&name), &folder);
    text_addf(&name, "/%u.json", (unsigned)l->topo->nodes[gateway].number);
    netns_node_path(l, endpoint, text_str(&name), &path);
    scoped_json json_t *doc = json_pack("{s:I, s:O}", "epoch", (json_int_t)epoch, "config", (json_t *)config);
    return netns_make_folders(text_str(&folder), e) != 0 || netns_put_json(text_str(&path), doc, e) != 0 ? -1 : 0;
}

int netns_control_furnish(struct netns_lab *l, uint16_t node, struct err *e)
{
    if (l->topo->nodes[node].role != NODE_CONTROL) {
        return 0;
    }
    for (uint16_t i = 0; i < l->topo->node_count; i++) {
        scoped_json json_t *config = l->topo->nodes[i].role == NODE_GATEWAY ? render_config(l->topo, i) : NULL;
        if (config && put_document(l, node, i, 1, config, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int netns_control_publish(struct netns_lab *l, uint16_t gateway, const json_t *config, struct err *e)
{
    int64_t epoch = ++l->published + 1;
    for (uint16_t i = 0; i < l->topo->node_count; i++) {
        if (l->topo->nodes[i].role == NODE_CONTROL && put_document(l, i, gateway, epoch, config, e) != 0) {
            return -1;
        }
    }
    return 0;
}
