/* SPDX-License-Identifier: MIT */
/* Each lie as a stranger sees it, and that the record tells what was really done. */
#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/selftest/write_server.h"
#include "tests/unit/runner.h"
#include "tests/unit/selftest/ask_raw.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct write_server server;
static char text[65536];

static void open_server(enum write_lie lie, int64_t lag_ns)
{
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(write_server_start(&server, 78, lie, lag_ns, &e), 0);
}

static enum raw write_one(unsigned seq)
{
    char body[128], request[512];
    int len = snprintf(body, sizeof(body), "{\"op\":\"c0-%u\",\"key\":\"k1\",\"value\":\"%016x\"}", seq, seq + 1);
    snprintf(request, sizeof(request), "POST /v1/orders HTTP/1.1\r\nX-DR-Nonce: 00\r\nContent-Length: %d\r\n\r\n%s",
             len, body);
    return raw_ask(server.address, server.ports[WRITE_PORT_GATEWAY], request, 5000, text, sizeof(text));
}

static void write_until(unsigned after)
{
    for (unsigned seq = 0; seq < after; seq++)
        write_one(seq);
}

/* How often this region has the op. */
static int stored(enum write_port port, unsigned seq)
{
    char id[32];
    int n = 0;
    snprintf(id, sizeof(id), "\"c0-%u\"", seq);
    CU_ASSERT_EQUAL(raw_ask(server.address, server.ports[port], "GET /v1/ops?from=1&limit=1000 HTTP/1.1\r\n\r\n", 5000,
                            text, sizeof(text)),
                    RAW_ANSWER);
    for (const char *at = text; (at = strstr(at, id)); at++)
        n++;
    return n;
}

static void expect(unsigned seq, int first, int second)
{
    const struct write_entry *w = &server.journal->entries[seq];
    CU_ASSERT_EQUAL(stored(WRITE_PORT_FIRST, seq), first);
    CU_ASSERT_EQUAL(stored(WRITE_PORT_SECOND, seq), second);
    CU_ASSERT_EQUAL(stored(WRITE_PORT_GATEWAY, seq), second);
    CU_ASSERT_EQUAL(w->copies[0], first);
    CU_ASSERT_EQUAL(w->copies[1], second);
    CU_ASSERT_EQUAL(w->seq, seq);
}

static void fault(void)
{
    struct err e = {0};
    CU_ASSERT_EQUAL(write_server_fault(&server, &e), 0);
}

static void honest_writes_are_everywhere_once(void)
{
    open_server(LIE_NONE, 0);
    write_until(8);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
    expect(6, 1, 1);
    expect(7, 1, 1);
    write_server_stop(&server);
}

static void a_dropped_write_is_acknowledged_and_nowhere(void)
{
    open_server(LIE_DROPPED, 0);
    write_until(6);
    CU_ASSERT_EQUAL(write_one(6), RAW_ANSWER);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
    expect(5, 1, 1);
    expect(6, 0, 0);
    write_server_stop(&server);
}

static void a_doubled_write_is_there_twice(void)
{
    open_server(LIE_DOUBLED, 0);
    write_until(7);
    expect(5, 1, 1);
    expect(6, 2, 2);
    write_server_stop(&server);
}

static void a_delayed_write_comes_later(void)
{
    open_server(LIE_DELAYED, 0);
    write_until(7);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
    for (int i = 0; i < 1000 && server.journal->entries[6].copies[1] == 0; i++)
        poll(NULL, 0, 10);
    expect(6, 1, 1);
    write_server_stop(&server);
}

static void denied_and_unanswered_begin_with_the_fault(void)
{
    open_server(LIE_DENIED, 0);
    write_until(7);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
    fault();
    write_one(13);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "503"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-DR-Not-Forwarded: 1"));
    CU_ASSERT_EQUAL(stored(WRITE_PORT_SECOND, 13), 1);
    CU_ASSERT_EQUAL(server.journal->entries[7].said, SAID_DENIED);
    write_server_stop(&server);

    open_server(LIE_UNANSWERED, 0);
    fault();
    CU_ASSERT_NOT_EQUAL(write_one(6), RAW_ANSWER);
    CU_ASSERT_NOT_EQUAL(write_one(13), RAW_ANSWER);
    CU_ASSERT_EQUAL(stored(WRITE_PORT_SECOND, 6), 0);
    CU_ASSERT_EQUAL(stored(WRITE_PORT_SECOND, 13), 1);
    write_server_stop(&server);
}

static void a_lagging_region_misses_what_came_last(void)
{
    open_server(LIE_LAGGING, 300 * NS_PER_MS);
    write_until(3);
    poll(NULL, 0, 400);
    write_one(3);
    fault();
    write_one(4);
    int64_t age = server.journal->fault_before_ns - server.journal->entries[3].effect_ns;
    expect(0, 1, 1);
    expect(3, 1, age < 300 * NS_PER_MS ? 0 : 1);
    expect(4, 1, 1);
    write_server_stop(&server);
}

static void an_isolated_primary_keeps_for_itself(void)
{
    open_server(LIE_ISOLATED, 0);
    write_one(0);
    fault();
    write_one(1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
    expect(0, 1, 1);
    expect(1, 1, 0);
    write_server_stop(&server);
}

static void pages_are_small_and_lead_on(void)
{
    open_server(LIE_NONE, 0);
    write_until(60);
    uint16_t port = server.ports[WRITE_PORT_FIRST];
    CU_ASSERT_EQUAL(raw_ask(server.address, port, "GET /v1/ops?from=1&limit=1000 HTTP/1.1\r\n\r\n", 5000, text,
                            sizeof(text)),
                    RAW_ANSWER);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"next\":51,\"count\":50,\"total\":60"));
    CU_ASSERT_PTR_NULL(strstr(text, "digest"));
    raw_ask(server.address, port, "GET /v1/ops?from=51&limit=1000 HTTP/1.1\r\n\r\n", 5000, text, sizeof(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"next\":0,\"count\":10,\"total\":60"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "digest"));
    write_server_stop(&server);
}

void suite_write_server(void)
{
    runner_suite(NULL, NULL);
    runner_test(honest_writes_are_everywhere_once);
    runner_test(a_dropped_write_is_acknowledged_and_nowhere);
    runner_test(a_doubled_write_is_there_twice);
    runner_test(a_delayed_write_comes_later);
    runner_test(denied_and_unanswered_begin_with_the_fault);
    runner_test(a_lagging_region_misses_what_came_last);
    runner_test(an_isolated_primary_keeps_for_itself);
    runner_test(pages_are_small_and_lead_on);
}
