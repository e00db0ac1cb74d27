/* SPDX-License-Identifier: MIT */
/*
 * Revocations in the store: records of the log like any other, acknowledged as the mode demands and shipped at once,
 * since each moment of waiting is one in which a stolen key opens doors. The list is answered by followers, too, with
 * what they know about its age: the leader's beat says which revocation is its newest, and a follower that has that one
 * is as good as the leader at that moment. What was revoked stays revoked; asked again, the first order is the answer.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/store.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

static const char filler[] = "revoke"; /* for the fields of a record that a revocation has no use for */

void revoked_answer_list(struct store *s, struct exchange *x)
{
    json_t *subjects = json_array(), *age = json_null();
    if (store_leads(s))
        age = json_integer(0);
    else if (s->fresh_at != 0)
        age = json_integer((loop_now(s->node->loop) - s->fresh_at) / NS_PER_MS);
    for (size_t i = 0; i < s->index.revocations.len; i++)
        json_array_append_new(subjects, json_string(index_at(&s->index, s->index.revocations.at[i])->key));
    answer_json(x, 200,
                json_pack("{s:I, s:I, s:o, s:o}", "epoch", (json_int_t)s->epoch, "lsn",
                          (json_int_t)index_last_revocation(&s->index), "age_ms", age, "revoked", subjects));
}

void revoked_answer_order(struct store *s, struct exchange *x, const struct record *r)
{
    if (!store_leads(s)) {
        answer_error(x, 504, "", "the lease ended before the revocation was acknowledged");
        return;
    }
    answer_json(
        x, 200,
        json_pack("{s:s, s:I, s:I}", "subject", r->key, "epoch", (json_int_t)r->epoch, "lsn", (json_int_t)r->lsn));
}

void revoked_refuse_order(struct exchange *x)
{
    answer_error(x, 500, "", "the store cannot write");
}

void revoked_take_order(struct store *s, struct exchange *x)
{
    struct http_span body = exchange_body(x);
    scoped_json json_t *doc = json_read(body.at, body.len, "request", NULL);
    const json_t *subject = json_object_get(doc, "subject");
    struct record wish = {.revocation = true, .epoch = s->epoch, .lsn = index_last(&s->index) + 1};
    if (!json_is_string(subject) ||
        !record_text(wish.key, sizeof(wish.key), json_string_value(subject), json_string_length(subject))) {
        answer_error(x, 400, "", "subject must be 1 to 23 of the characters A-Z a-z 0-9 . _ : / -");
        return;
    }
    if (!store_leads(s) || s->handover.state != HANDOVER_NONE) {
        answer_error(x, 409, "", "this store does not lead");
        return;
    }
    const struct record *r = index_revocation(&s->index, wish.key);
    if (r == NULL) {
        wish.time_ns = wall_ns(&s->node->wall);
        (void)record_text(wish.op, sizeof(wish.op), filler, sizeof(filler) - 1);
        (void)record_text(wish.idem, sizeof(wish.idem), filler, sizeof(filler) - 1);
        (void)record_text(wish.value, sizeof(wish.value), filler, sizeof(filler) - 1);
        r = store_append(s, &wish);
    }
    if (r == NULL) {
        revoked_refuse_order(x);
        return;
    }
    commit_wait(s, x, r->lsn, WAIT_REVOCATION);
    leader_flush(s);
}
