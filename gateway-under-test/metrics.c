/* SPDX-License-Identifier: MIT */
/*
 * A counter that never moved is left out: each role prints what it has.
 */
#include "gateway-under-test/metrics.h"

#include "harness/base/text.h"

static const struct {
    const char *name, *help;
} rows[COUNTER_COUNT] = {
#define COUNTER_ROW(name, text) [COUNTER_##name] = {#name, text},
    COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
};

void metrics_print(const int64_t counters[COUNTER_COUNT], struct text *out)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        if (counters[i] == 0)
            continue;
        text_addf(out, "# HELP drgateway_%s_total %s\n# TYPE drgateway_%s_total counter\ndrgateway_%s_total %lld\n",
                  rows[i].name, rows[i].help, rows[i].name, rows[i].name, (long long)counters[i]);
    }
}

void metrics_gauge(struct text *out, const char *name, const char *help, double value)
{
    text_addf(out, "# HELP drgateway_%s %s\n# TYPE drgateway_%s gauge\ndrgateway_%s %.9g\n", name, help, name, name,
              value);
}
