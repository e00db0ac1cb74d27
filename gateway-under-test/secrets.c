/* SPDX-License-Identifier: MIT */
/*
 * The fingerprint of a configuration has the names of secret files in it, not what is in them, and it has the node's
 * name, so two regions never have the same one. This one has the material and no names: equal secrets, equal
 * fingerprints, whoever has them.
 */
#include "gateway-under-test/secrets.h"

#include "gateway-under-test/node.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <string.h>

static void add_file(const struct node *n, json_t *all, const char *key, const char *name)
{
    scoped_text struct text path = {0};
    char hash[SHA256_HEX];
    if (name == NULL)
        return;
    node_beside_config(n, name, &path);
    bool there = sha256_file(text_str(&path), hash, NULL) == 0;
    json_object_set_new(all, key, there ? json_string(hash) : json_null());
}

void secrets_print(const struct node *n, const struct config *c, char out[SHA256_HEX])
{
    scoped_json json_t *all = json_object();
    const json_t *keys = json_at(c->doc, "/identity/keys");
    if (keys != NULL)
        json_object_set(all, "identity.keys", (json_t *)keys);
    add_file(n, all, "identity.tokens.keys", c->identity.token_keys);
    add_file(n, all, "tls.certificate", c->tls.certificate);
    add_file(n, all, "tls.key", c->tls.key);
    out[0] = '\0';
    if (json_object_size(all) > 0)
        json_fingerprint(all, out);
}

static json_t *without_keys(const json_t *config)
{
    json_t *copy = json_deep_copy(config);
    json_object_del(json_object_get(copy, "identity"), "keys");
    return copy;
}

bool secrets_only(const json_t *a, const json_t *b)
{
    scoped_json json_t *x = without_keys(a), *y = without_keys(b);
    return json_equal((json_t *)a, (json_t *)b) == 0 && json_equal(x, y) != 0;
}
