/* SPDX-License-Identifier: MIT */
/*
 * Final reads of a store that is well, that changes, that lies, that is slow, and of none.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/load.h"
#include "harness/load/read_content.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/load/stub_server.h"
#include "tests/unit/runner.h"

#include <inttypes.h>
#include <string.h>

static struct loop *loop;
static struct transport *transport;
static const char *path;

/* What a scripted store does. */
struct store {
    uint64_t count; /* c0-0 .. */
    uint64_t page;  /* ops per page, whatever is asked for */
    unsigned grow;  /* add an op after each of the first so many whole reads */
    unsigned whole_reads;
    bool wrong_digest, wrong_total, foreign, fail_second_page;
};

static struct stored_op op_at(const struct store *s, uint64_t i)
{
    struct stored_op op = {.lsn = i + 1, .epoch = 1, .version = (uint32_t)i + 1, .order = {.seq = i, .value = i}};
    static char name[ORDER_NAME];
    op.id = s->foreign && i == 0 ? "intruder" : order_name(&op.order, name);
    return op;
}

static void add_digest(const struct store *s, struct text *body)
{
    struct read_content content = {0};
    for (uint64_t i = 0; i < s->count; i++) {
        struct stored_op op = op_at(s, i);
        read_content_add(&content, &op);
    }
    char digest[SHA256_HEX];
    read_content_digest(&content, digest);
    digest[0] = s->wrong_digest ? 'x' : digest[0];
    text_addf(body, ",\"digest\":\"%s\"", digest);
    read_content_deinit(&content);
}

static void serve_ops(struct stub_server *server, const struct stub_request *rq, struct stub_reply *rp)
{
    struct store *s = server->arg;
    uint64_t from = 0;
    must(sscanf(rq->target, "/v1/ops?from=%" SCNu64 "&limit=1000", &from) == 1);
    if (s->fail_second_page && from > 1) {
        rp->status = 500;
        return;
    }
    uint64_t first = from - 1, last = first + s->page < s->count ? first + s->page : s->count;
    bool end = last == s->count;
    text_clear(&rp->body);
    text_addf(&rp->body,
              "{\"from\":%" PRIu64 ",\"next\":%" PRIu64 ",\"count\":%" PRIu64 ",\"total\":%" PRIu64 ",\"ops\":[", from,
              end ? 0 : last + 1, last - first, s->count + (s->wrong_total ? 1 : 0));
    for (uint64_t i = first; i < last; i++) {
        struct stored_op op = op_at(s, i);
        text_addf(&rp->body, "%s[\"%s\",%" PRIu64 ",1,\"k3\",%u,\"%016" PRIx64 "\"]", i == first ? "" : ",", op.id,
                  op.lsn, op.version, op.order.value);
    }
    text_add(&rp->body, "]");
    if (end) {
        add_digest(s, &rp->body);
        s->count += s->whole_reads++ < s->grow ? 1 : 0;
    }
    text_add(&rp->body, "}");
}

static struct stub_server servers[2];
static struct store stores[2];

static void begin(struct store first, struct store second)
{
    loop = loop_new(NULL);
    must(transport_curl_new(&transport, loop, 8, NULL) == 0);
    path = scratch_make();
    struct timeline *t = NULL;
    struct event head = {.kind = EVENT_HEADER};
    must(timeline_open(&t, path, NULL) == 0 && timeline_add(t, &head, NULL, NULL) == 0);
    timeline_close(t);
    must(samples_create(path, NULL, 0, NULL) == 0 && ledger_create(path, 0, NULL) == 0);
    stores[0] = first;
    stores[1] = second;
    for (int i = 0; i < 2; i++) {
        servers[i] = (struct stub_server){.serve = serve_ops, .arg = &stores[i]};
        stub_start(&servers[i], loop, "127.0.0.1", 0);
    }
}

static bool read_all(int64_t within_ns, uint32_t *next_read)
{
    struct readback_source sources[2] = {
        {.region = UINT16_MAX, .address = "127.0.0.1", .port = servers[0].port},
        {.region = 1, .address = "127.0.0.1", .port = servers[1].port},
    };
    struct readback_config c = {
        .run_path = path,
        .run_id = "run-1",
        .zero_ns = loop_tick(loop),
        .deadline_ns = loop_now(loop) + within_ns,
        .pass = PASS_LIVE,
        .first_read = 10,
        .chain = LEDGER_CHAIN_READ + PASS_LIVE,
        .sources = sources,
        .source_count = 2,
    };
    bool complete = true;
    struct err e = {0};
    CU_ASSERT_EQUAL(readback_run(&c, loop, transport, &complete, next_read, &e), 0);
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
    return complete;
}

static struct evidence *end(void)
{
    transport->ops->free(transport);
    stub_stop(&servers[0]);
    stub_stop(&servers[1]);
    loop_free(loop);
    struct evidence *ev = NULL;
    must(evidence_load(&ev, path, NULL) == 0);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    return ev;
}

static size_t count(const struct evidence *ev, enum ledger_kind kind, uint16_t region, int outcome)
{
    size_t n = 0;
    for (size_t i = 0; i < ev->ledger_count; i++) {
        const struct ledger_record *r = &ev->ledger[i];
        n += r->kind == kind && r->region == region && (outcome < 0 || r->outcome == outcome);
    }
    return n;
}

static void done(struct evidence *ev)
{
    evidence_free(ev);
    scratch_remove();
}

static void two_equal_reads_of_every_page(void)
{
    uint32_t next = 0;
    begin((struct store){.count = 25, .page = 10}, (struct store){.count = 0, .page = 10});
    CU_ASSERT_TRUE(read_all(5 * NS_PER_S, &next));
    CU_ASSERT_EQUAL(next, 14);
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(count(ev, LEDGER_FOUND, UINT16_MAX, -1), 50);
    CU_ASSERT_EQUAL(count(ev, LEDGER_READ_BEGIN, UINT16_MAX, -1), 2);
    CU_ASSERT_EQUAL(count(ev, LEDGER_READ_END, UINT16_MAX, 1), 2);
    CU_ASSERT_EQUAL(count(ev, LEDGER_READ_END, 1, 1), 2);
    CU_ASSERT_EQUAL(count(ev, LEDGER_FOUND, 1, -1), 0);
    for (size_t i = 0; i < ev->ledger_count; i++) {
        const struct ledger_record *r = &ev->ledger[i];
        CU_ASSERT(r->chain == LEDGER_CHAIN_READ + PASS_LIVE && r->pass == PASS_LIVE && r->read >= 10 && r->read < 14);
        if (r->kind == LEDGER_FOUND) {
            CU_ASSERT(r->client == 0 && r->key == 3 && r->lsn == r->seq + 1 && r->value == r->seq && r->epoch == 1);
        }
        if (r->kind == LEDGER_READ_END) {
            CU_ASSERT_EQUAL(r->count, r->region == 1 ? 0 : 25);
        }
    }
    done(ev);
}

static void a_store_in_motion_is_read_until_it_rests(void)
{
    uint32_t next = 0;
    begin((struct store){.count = 5, .page = 10, .grow = 3}, (struct store){.count = 5, .page = 10});
    CU_ASSERT_TRUE(read_all(5 * NS_PER_S, &next));
    CU_ASSERT_EQUAL(next, 10 + 5 + 2); /* 5, 6, 7, 8, 8 ops */
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(count(ev, LEDGER_FOUND, UINT16_MAX, -1), 5 + 6 + 7 + 8 + 8);
    done(ev);
}

static void reads_that_do_not_add_up_are_not_whole(void)
{
    static const struct store wrong[] = {
        {.count = 5, .page = 10, .wrong_digest = true},
        {.count = 5, .page = 10, .wrong_total = true},
        {.count = 5, .page = 3, .fail_second_page = true},
    };
    for (size_t i = 0; i < array_len(wrong); i++) {
        uint32_t next = 0;
        begin(wrong[i], (struct store){.count = 5, .page = 10});
        CU_ASSERT_FALSE(read_all(300 * NS_PER_MS, &next));
        struct evidence *ev = end();
        CU_ASSERT_EQUAL(count(ev, LEDGER_READ_END, UINT16_MAX, 1), 0);
        CU_ASSERT(count(ev, LEDGER_READ_END, UINT16_MAX, 0) >= 2);
        CU_ASSERT_EQUAL(count(ev, LEDGER_READ_END, UINT16_MAX, 0), count(ev, LEDGER_READ_BEGIN, UINT16_MAX, -1));
        CU_ASSERT_EQUAL(count(ev, LEDGER_READ_END, 1, 1), 2); /* the other one is done all the same */
        done(ev);
    }
}

static void what_is_not_ours_is_on_record(void)
{
    uint32_t next = 0;
    begin((struct store){.count = 3, .page = 10, .foreign = true}, (struct store){.count = 0, .page = 1});
    CU_ASSERT_TRUE(read_all(5 * NS_PER_S, &next));
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(count(ev, LEDGER_FOREIGN, UINT16_MAX, -1), 2);
    CU_ASSERT_EQUAL(count(ev, LEDGER_FOUND, UINT16_MAX, -1), 4);
    for (size_t i = 0; i < ev->ledger_count; i++) {
        CU_ASSERT(ev->ledger[i].kind != LEDGER_FOREIGN || ev->ledger[i].value == 0xaedad4dfac4747d1);
    }
    done(ev);
}

static void hold(struct stub_server *s, const struct stub_request *rq, struct stub_reply *rp)
{
    (void)s;
    (void)rq;
    rp->fate = STUB_HOLD;
}

static void the_deadline_holds_against_a_frozen_store(void)
{
    uint32_t next = 0;
    begin((struct store){.count = 3, .page = 10}, (struct store){.count = 3, .page = 10});
    servers[1].serve = hold;
    stub_refuse(&servers[0]);
    int64_t before = loop_tick(loop);
    CU_ASSERT_FALSE(read_all(300 * NS_PER_MS, &next));
    CU_ASSERT(loop_tick(loop) - before < NS_PER_S);
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(count(ev, LEDGER_READ_BEGIN, 1, -1), 1);
    CU_ASSERT_EQUAL(count(ev, LEDGER_READ_END, 1, 0), 1);
    CU_ASSERT(count(ev, LEDGER_READ_END, UINT16_MAX, 0) >= 2);
    done(ev);
}

void suite_readback(void)
{
    runner_suite(NULL, NULL);
    runner_test(two_equal_reads_of_every_page);
    runner_test(a_store_in_motion_is_read_until_it_rests);
    runner_test(reads_that_do_not_add_up_are_not_whole);
    runner_test(what_is_not_ours_is_on_record);
    runner_test(the_deadline_holds_against_a_frozen_store);
}
