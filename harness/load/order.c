/* SPDX-License-Identifier: MIT */
/*
 * Numbers are written without leading zeros and read back only in that form, so that a name has one spelling and two
 * records never mean the same operation under different ids.
 *
 * An answer is judged only by what it says: another gateway may leave out the body's members, and then its status
 * has to do. A body larger than any order is not parsed.
 */
#include "harness/load/order.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum { MAX_ANSWER = 64 << 10 };

char *order_name(const struct order *o, char out[ORDER_NAME])
{
    snprintf(out, ORDER_NAME, "c%u-%" PRIu64, (unsigned)o->client, o->seq);
    return out;
}

char *order_body(const struct order *o, char out[ORDER_BODY])
{
    char name[ORDER_NAME];
    snprintf(out, ORDER_BODY, "{\"op\":\"%s\",\"key\":\"k%u\",\"value\":\"%016" PRIx64 "\"}", order_name(o, name),
             (unsigned)o->key, o->value);
    return out;
}

/* Decimal digits up to the first other character; NULL when there are none, a leading zero, or more than max. */
static const char *read_number(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    const char *at = s;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (n > (max - digit) / 10) {
            return NULL;
        }
        n = n * 10 + digit;
    }
    *out = n;
    return at == s || (*s == '0' && at != s + 1) ? NULL : at;
}

bool order_read_name(const char *op, uint16_t *client, uint64_t *seq)
{
    uint64_t number;
    const char *at = op && *op == 'c' ? read_number(op + 1, UINT16_MAX, &number) : NULL;
    if (!at || *at != '-') {
        return false;
    }
    *client = (uint16_t)number;
    at = read_number(at + 1, INT64_MAX, seq);
    return at && *at == '\0';
}

bool order_read_key(const char *key, uint16_t *number)
{
    uint64_t n;
    const char *at = key && *key == 'k' ? read_number(key + 1, UINT16_MAX - 1, &n) : NULL;
    if (!at || *at != '\0') {
        return false;
    }
    *number = (uint16_t)n;
    return true;
}

bool order_read_value(const char *value, uint64_t *digest)
{
    if (!value || strspn(value, "0123456789abcdef") != 16 || value[16] != '\0') {
        return false;
    }
    *digest = strtoull(value, NULL, 16);
    return true;
}

/* +1 the member says what we expect, -1 it says something else, 0 it says nothing. */
static int compare(const json_t *doc, const char *member, const char *expected)
{
    const char *said = json_string_value(json_object_get(doc, member));
    return said ? (text_eq(said, expected) ? 1 : -1) : 0;
}

static enum answer_content whose(const json_t *doc, const struct order *asked, bool is_write)
{
    char op[ORDER_NAME], key[16], value[17];
    snprintf(key, sizeof(key), "k%u", (unsigned)asked->key);
    snprintf(value, sizeof(value), "%016" PRIx64, asked->value);
    int same_key = compare(doc, "key", key);
    int same_op = is_write ? compare(doc, "op", order_name(asked, op)) : same_key;
    int same_value = is_write ? compare(doc, "value", value) : 0;
    if (same_key < 0 || same_op < 0 || same_value < 0) {
        return CONTENT_FOREIGN;
    }
    return same_key > 0 && same_op > 0 ? CONTENT_OURS : CONTENT_SILENT;
}

static uint64_t natural(const json_t *doc, const char *member, json_int_t max)
{
    json_int_t n = json_integer_value(json_object_get(doc, member));
    return n > 0 && n <= max ? (uint64_t)n : 0;
}

struct order_answer order_read_answer(const char *body, size_t len, const struct order *asked, bool is_write)
{
    struct order_answer out = {.content = CONTENT_SILENT};
    scoped_json json_t *doc = body && len > 0 && len <= MAX_ANSWER ? json_loadb(body, len, 0, NULL) : NULL;
    if (!json_is_object(doc)) {
        return out;
    }
    out.content = whose(doc, asked, is_write);
    out.version = (uint32_t)natural(doc, "version", UINT32_MAX);
    out.lsn = natural(doc, "lsn", INT64_MAX);
    return out;
}
