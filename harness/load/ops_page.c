/* SPDX-License-Identifier: MIT */
/*
 * A page is believed only as a whole: its own count must be the number of its ops, from what was asked for, next beyond
 * it. An op must be the six-element list of the protocol with numbers in range; an id, key or value of another shape
 * is legal and means that someone else wrote it or that it was damaged, which is for the measures to say.
 */
#include "harness/load/ops_page.h"

#include "harness/base/err.h"

#include <string.h>

static bool natural(const json_t *value, uint64_t max, uint64_t *out)
{
    json_int_t n = json_integer_value(value);
    *out = (uint64_t)n;
    return json_is_integer(value) && n >= 0 && (uint64_t)n <= max;
}

static bool member(const struct ops_page *p, const char *name, uint64_t *out)
{
    return natural(json_object_get(p->doc, name), INT64_MAX, out);
}

int ops_page_read(struct ops_page *p, const char *body, size_t len, uint64_t from, const char *at, struct err *e)
{
    return ops_page_take(p, json_loadb(body, len, 0, NULL), from, at, e);
}

int ops_page_take(struct ops_page *p, json_t *take_doc, uint64_t from, const char *at, struct err *e)
{
    *p = (struct ops_page){.doc = take_doc};
    p->ops = json_object_get(p->doc, "ops");
    p->digest = json_string_value(json_object_get(p->doc, "digest"));
    uint64_t count;
    bool whole = json_is_array(p->ops) && member(p, "from", &p->from) && member(p, "next", &p->next) &&
                 member(p, "count", &count) && member(p, "total", &p->total) && count == json_array_size(p->ops) &&
                 p->from == from && (p->next == 0 || p->next > from);
    return whole ? 0 : err_set(e, ERR_RUN, at, "the page of operations from %llu is not one", (unsigned long long)from);
}

void ops_page_deinit(struct ops_page *p)
{
    json_decref(p->doc);
    *p = (struct ops_page){0};
}

int ops_page_op(const struct ops_page *p, size_t i, struct stored_op *op, const char *at, struct err *e)
{
    const json_t *row = json_array_get(p->ops, i);
    uint64_t epoch, version;
    *op = (struct stored_op){.id = json_string_value(json_array_get(row, 0))};
    if (json_array_size(row) != 6 || !op->id || !natural(json_array_get(row, 1), INT64_MAX, &op->lsn) ||
        !natural(json_array_get(row, 2), UINT32_MAX, &epoch) ||
        !natural(json_array_get(row, 4), UINT32_MAX, &version)) {
        return err_set(e, ERR_RUN, at, "operation %zu of a page is not one", i);
    }
    op->epoch = (uint32_t)epoch;
    op->version = (uint32_t)version;
    op->ours = order_read_name(op->id, &op->order.client, &op->order.seq);
    if (!order_read_key(json_string_value(json_array_get(row, 3)), &op->order.key)) {
        op->order.key = UINT16_MAX;
    }
    if (!order_read_value(json_string_value(json_array_get(row, 5)), &op->order.value)) {
        op->order.value = 0;
    }
    return 0;
}
