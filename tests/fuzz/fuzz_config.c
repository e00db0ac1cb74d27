/* SPDX-License-Identifier: MIT */
/* Configurations of nodes, of all three roles, and the same bytes as orders to be late and to have the wrong time. */
#include "gateway-under-test/config.h"
#include "gateway-under-test/lag.h"
#include "gateway-under-test/wall.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "tests/fuzz/fuzz.h"

static void take_as_order(const json_t *doc)
{
    struct lag lag = {0};
    struct wall wall = {0};
    int late = lag_order(&lag, doc), wrong = wall_order(&wall, doc);
    scoped_json json_t *of_lag = lag_status(&lag), *of_wall = wall_status(&wall);
    fuzz_must((late == 200 || late == 400) && (wrong == 200 || wrong == 400));
    fuzz_must(lag.count <= 1 && wall.count <= 1 && (late == 200 || lag.count == 0) &&
              (wrong == 200 || wall.count == 0));
    fuzz_must(of_lag && of_wall && wall_ns(&wall) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct config *c = NULL;
    scoped_free char *text = fuzz_text(data, size);
    scoped_json json_t *doc = json_read(text, size, "node.json", &e);
    if (!doc)
        return 0;
    take_as_order(doc);
    fuzz_must((config_parse(doc, "node.json", &c, &e) == 0) == (c != NULL));
    fuzz_must((c != NULL) == (e.kind == ERR_NONE));
    for (size_t i = 0; c && i < c->route_count; i++)
        fuzz_must(c->routes[i].pool >= 0 && (size_t)c->routes[i].pool < c->pool_count);
    config_free(c);
    return 0;
}
