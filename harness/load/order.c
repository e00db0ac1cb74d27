/* SPDX-License-Identifier: MIT */
/*
 * Numbers are written without leading zeros and read back only in that form, so that a name has one spelling and two
 * records never mean the same operation under different ids.
 *
 * An answer is judged only by what it says: another gateway may leave out the body's members, and then its status
 * has to do.
 */
#include "harness/load/order.h"

#include "harness/load/answer_body.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* A word as a string, NULL where it is longer than anything we would write. */
static const char *copy_word(const struct answer_word *w, char out[ORDER_NAME])
{
    if (w->len >= ORDER_NAME) {
        return NULL;
    }
    memcpy(out, w->at, w->len);
    out[w->len] = '\0';
    return out;
}

/* +1 the answer says what we expect, -1 it says something else, 0 it says nothing. As every number has one spelling,
 * two words are equal when their numbers are. */

static int same_key(const struct answer_word *said, const struct order *asked)
{
    char word[ORDER_NAME];
    uint16_t number;
    return !said->at ? 0 : order_read_key(copy_word(said, word), &number) && number == asked->key ? 1 : -1;
}

static int same_op(const struct answer_word *said, const struct order *asked)
{
    char word[ORDER_NAME];
    uint16_t client;
    uint64_t seq;
    bool same = said->at && order_read_name(copy_word(said, word), &client, &seq) && client == asked->client &&
                seq == asked->seq;
    return !said->at ? 0 : same ? 1 : -1;
}

static int same_value(const struct answer_word *said, const struct order *asked)
{
    char word[ORDER_NAME];
    uint64_t digest;
    return !said->at ? 0 : order_read_value(copy_word(said, word), &digest) && digest == asked->value ? 1 : -1;
}

static enum answer_content whose(const struct answer_body *said, const struct order *asked, bool is_write)
{
    int key = same_key(&said->key, asked);
    int op = is_write ? same_op(&said->op, asked) : key;
    int value = is_write ? same_value(&said->value, asked) : 0;
    if (key < 0 || op < 0 || value < 0) {
        return CONTENT_FOREIGN;
    }
    return key > 0 && op > 0 ? CONTENT_OURS : CONTENT_SILENT;
}

struct order_answer order_read_answer(const char *body, size_t len, const struct order *asked, bool is_write)
{
    struct order_answer out = {.content = CONTENT_SILENT};
    scoped_answer struct answer_body said = {0};
    if (!answer_body_read(&said, body, len)) {
        return out;
    }
    out.content = whose(&said, asked, is_write);
    out.version = said.version > 0 && said.version <= UINT32_MAX ? (uint32_t)said.version : 0;
    out.lsn = said.lsn > 0 ? (uint64_t)said.lsn : 0;
    return out;
}
