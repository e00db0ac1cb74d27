/* SPDX-License-Identifier: MIT */
/* Every line is read as every quantity; what is printed reads back as the same. Names and UTF-8 are read on the way. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

typedef int parse(const char *s, int64_t *value, struct err *e);
typedef char *print(int64_t value, char out[UNIT_MAX]);

static void both_ways(const char *s, parse *read, print *write)
{
    int64_t value = -1, again = -1;
    char out[UNIT_MAX];
    struct err e = {0};
    if (read(s, &value, &e) < 0) {
        fuzz_must(e.kind == ERR_READING && *e.msg);
        return;
    }
    fuzz_must((value >= 0 || *s == '-') && e.kind == ERR_NONE);
    if (write)
        fuzz_must(read(write(value, out), &again, &e) == 0 && again == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (char *line; fuzz_line(&data, &size, &line); free(line)) {
        both_ways(line, unit_parse_duration, unit_print_duration);
        both_ways(line, unit_parse_ratio, unit_print_ratio);
        both_ways(line, unit_parse_rate, unit_print_rate);
        both_ways(line, unit_parse_bandwidth, unit_print_bandwidth);
        both_ways(line, unit_parse_bytes, unit_print_bytes);
        both_ways(line, unit_parse_count, NULL);
        both_ways(line, unit_parse_step, unit_print_step);
        both_ways(line, unit_parse_factor, unit_print_factor);
        (void)text_is_name(line);
        const char *words[] = {line, "availability"};
        (void)text_nearest("avail", words, 2);
        for (size_t at = 0, len = strlen(line), n; at < len; at += n ? n : 1) {
            uint32_t codepoint;
            n = utf8_decode(line + at, len - at, &codepoint);
            fuzz_must(n <= len - at && (n == 0 || codepoint <= 0x10ffff));
        }
    }
    return 0;
}
