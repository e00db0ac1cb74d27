/* SPDX-License-Identifier: MIT */
/*
 * Tokens in the netns lab: one key a run, made when the world is. It stays in the conductor's memory and goes from
 * there to the customers' processes, which are forked from it; on the disk of each gateway lies what tokens are checked
 * by, which is the secret itself where they are signed with one. No clock is moved for any of it: a token runs out when
 * the host's time says so, or that of a gateway whose clock a fault has bent.
 */
#include "harness/lab/netns.h"
#include "harness/lab/render.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

int netns_tokens_open(struct netns_lab *l, struct err *e)
{
    const struct topo_tokens *t = &l->topo->identity.tokens;
    return t->there ? token_key_new(&l->token_key, t->algorithm, e) : 0;
}

int netns_tokens_furnish(struct netns_lab *l, uint16_t node, struct err *e)
{
    scoped_text struct text path = {0};
    if (!l->token_key || l->topo->nodes[node].role != NODE_GATEWAY) {
        return 0;
    }
    scoped_json json_t *set = token_key_set(l->token_key, e);
    netns_node_path(l, node, RENDER_TOKEN_KEYS, &path);
    return set ? netns_put_json(text_str(&path), set, e) : -1;
}

const struct token_key *netns_token_key(struct lab *lab)
{
    return netns_of(lab)->token_key;
}
