/* SPDX-License-Identifier: MIT */
/* Configurations of nodes, of all three roles. */
#include "gateway-under-test/config.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct config *c = NULL;
    scoped_free char *text = fuzz_text(data, size);
    scoped_json json_t *doc = json_read(text, size, "node.json", &e);
    if (!doc)
        return 0;
    fuzz_must((config_parse(doc, "node.json", &c, &e) == 0) == (c != NULL));
    fuzz_must((c != NULL) == (e.kind == ERR_NONE));
    for (size_t i = 0; c && i < c->route_count; i++)
        fuzz_must(c->routes[i].pool >= 0 && (size_t)c->routes[i].pool < c->pool_count);
    config_free(c);
    return 0;
}
