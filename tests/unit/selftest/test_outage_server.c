/* SPDX-License-Identifier: MIT */
/* What a stranger sees of each mode, and that the record says when. Waits are generous: others run beside us. */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/selftest/outage_server.h"
#include "tests/unit/runner.h"
#include "tests/unit/selftest/ask_raw.h"

#include <poll.h>
#include <string.h>

#define ASK "GET /v1/orders?key=k0 HTTP/1.1\r\nHost: x\r\nX-DR-Nonce: 00112233445566aa\r\n\r\n"
#define LONG_NS (3600 * NS_PER_S)
#define SLOW_NS (400 * NS_PER_MS)

static struct outage_server server;
static char text[4096];

static int open_server(void)
{
    struct err e = {0};
    return outage_server_start(&server, 77, SLOW_NS, &e);
}

static int close_server(void)
{
    outage_server_stop(&server);
    return 0;
}

static enum raw ask(enum outage_door door, int timeout_ms)
{
    return raw_ask(server.address, server.ports[door], ASK, timeout_ms, text, sizeof(text));
}

static void order(enum outage_mode mode, int64_t for_ns)
{
    struct err e = {0};
    struct outage_order o = {.mode = mode, .phase_count = for_ns ? 1 : 0, .phases_ns = {for_ns}};
    CU_ASSERT_EQUAL(outage_server_order(&server, &o, &e), 0);
}

static size_t changes(void)
{
    return atomic_load(&server.journal->change_count);
}

static const struct outage_change *last_change(void)
{
    return &server.journal->changes[changes() - 1];
}

static void await_changes(size_t n)
{
    for (int i = 0; i < 5000 && changes() < n; i++)
        poll(NULL, 0, 2);
    CU_ASSERT_EQUAL(changes(), n);
}

static void it_answers_as_the_protocol_asks(void)
{
    CU_ASSERT_EQUAL(ask(DOOR_WORKER, 5000), RAW_ANSWER);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-DR-Nonce: 00112233445566aa"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-DR-Check: "));
}

static void an_order_is_on_record_with_the_clock_around_it(void)
{
    size_t before = changes();
    int64_t from = clock_mono_ns();
    order(OUTAGE_RST, LONG_NS);
    int64_t to = clock_mono_ns();
    CU_ASSERT_EQUAL(changes(), before + 1);
    CU_ASSERT_EQUAL(last_change()->mode, OUTAGE_RST);
    CU_ASSERT(from <= last_change()->before_ns && last_change()->before_ns <= last_change()->after_ns);
    CU_ASSERT(last_change()->after_ns <= to);
    order(OUTAGE_NONE, 0);
    CU_ASSERT_EQUAL(last_change()->mode, OUTAGE_NONE);
}

static void rst_resets_and_503_says_so(void)
{
    order(OUTAGE_RST, LONG_NS);
    enum raw seen = ask(DOOR_WORKER, 5000);
    CU_ASSERT(seen == RAW_RESET || seen == RAW_CLOSED); /* closed: the reset came before the request was sent */
    order(OUTAGE_ERROR503, LONG_NS);
    CU_ASSERT_EQUAL(ask(DOOR_WORKER, 5000), RAW_ANSWER);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "503"));
    order(OUTAGE_NONE, 0);
}

static void blackhole_is_silent_for_good(void)
{
    order(OUTAGE_BLACKHOLE, LONG_NS);
    scoped_fd int held = raw_send(server.address, server.ports[DOOR_WORKER], ASK);
    CU_ASSERT_EQUAL(ask(DOOR_WORKER, 300), RAW_SILENT);
    order(OUTAGE_NONE, 0);
    CU_ASSERT_EQUAL(ask(DOOR_WORKER, 5000), RAW_ANSWER);
    CU_ASSERT_EQUAL(raw_take(steal_fd(&held), 300, text, sizeof(text)), RAW_SILENT);
}

static void freeze_answers_its_backlog_afterwards(void)
{
    order(OUTAGE_FREEZE, LONG_NS);
    scoped_fd int held = raw_send(server.address, server.ports[DOOR_WORKER], ASK);
    CU_ASSERT(held >= 0); /* the kernel connects */
    struct pollfd p = {.fd = held, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&p, 1, 300), 0);
    order(OUTAGE_NONE, 0);
    CU_ASSERT_EQUAL(raw_take(steal_fd(&held), 5000, text, sizeof(text)), RAW_ANSWER);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
}

static void slow_is_right_but_late(void)
{
    order(OUTAGE_SLOW, LONG_NS);
    int64_t from = clock_mono_ns();
    CU_ASSERT_EQUAL(ask(DOOR_WORKER, 10000), RAW_ANSWER);
    CU_ASSERT(clock_mono_ns() - from >= SLOW_NS);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "200 OK"));
    order(OUTAGE_NONE, 0);
}

static void half_is_every_second_one_of_a_door(void)
{
    order(OUTAGE_HALF, LONG_NS);
    bool good[6];
    for (int i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(ask(DOOR_WORKER, 5000), RAW_ANSWER);
        good[i] = strstr(text, "200 OK") != NULL;
        CU_ASSERT_EQUAL(ask(DOOR_CLOSED_LOOP, 5000), RAW_ANSWER); /* must not come in between */
    }
    for (int i = 1; i < 6; i++)
        CU_ASSERT_NOT_EQUAL(good[i], good[i - 1]);
    order(OUTAGE_NONE, 0);
}

static void an_outage_ends_by_itself(void)
{
    size_t before = changes();
    order(OUTAGE_ERROR503, 60 * NS_PER_MS);
    await_changes(before + 2);
    const struct outage_change *down = &server.journal->changes[before], *up = last_change();
    CU_ASSERT_EQUAL(down->mode, OUTAGE_ERROR503);
    CU_ASSERT_EQUAL(up->mode, OUTAGE_NONE);
    CU_ASSERT(up->before_ns - down->before_ns >= 60 * NS_PER_MS - 100 * NS_PER_US);
}

static void a_flap_has_all_its_changes_on_record(void)
{
    size_t before = changes();
    struct err e = {0};
    struct outage_order o = {.mode = OUTAGE_FLAP, .phase_count = 3,
                             .phases_ns = {30 * NS_PER_MS, 40 * NS_PER_MS, 50 * NS_PER_MS}};
    CU_ASSERT_EQUAL(outage_server_order(&server, &o, &e), 0);
    await_changes(before + 4);
    static const enum outage_mode wanted[] = {OUTAGE_RST, OUTAGE_NONE, OUTAGE_RST, OUTAGE_NONE};
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(server.journal->changes[before + i].mode, wanted[i]);
    CU_ASSERT_EQUAL(ask(DOOR_WORKER, 5000), RAW_ANSWER);
}

static void nonsense_does_not_stop_it(void)
{
    uint16_t port = server.ports[DOOR_WORKER];
    CU_ASSERT_NOT_EQUAL(raw_ask(server.address, port, "\r\n\r\n", 2000, text, sizeof(text)), RAW_ANSWER);
    char longest[3000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CU_ASSERT_NOT_EQUAL(raw_ask(server.address, port, longest, 2000, text, sizeof(text)), RAW_ANSWER);
    scoped_fd int half = raw_send(server.address, server.ports[DOOR_WORKER], "GET /v1");
    fd_close(&half);
    CU_ASSERT_EQUAL(ask(DOOR_WORKER, 5000), RAW_ANSWER);
}

static void lateness_is_asked_for_by_span(void)
{
    static struct outage_journal j = {.late_count = 2, .lates = {{100, 150}, {300, 320}}};
    struct outage_server s = {.journal = &j};
    CU_ASSERT_EQUAL(outage_server_lateness(&s, 0, 1000), 50);
    CU_ASSERT_EQUAL(outage_server_lateness(&s, 151, 1000), 20);
    CU_ASSERT_EQUAL(outage_server_lateness(&s, 120, 130), 50);
    CU_ASSERT_EQUAL(outage_server_lateness(&s, 160, 299), 0);
}

void suite_outage_server(void)
{
    runner_suite(open_server, close_server);
    runner_test(it_answers_as_the_protocol_asks);
    runner_test(an_order_is_on_record_with_the_clock_around_it);
    runner_test(rst_resets_and_503_says_so);
    runner_test(blackhole_is_silent_for_good);
    runner_test(freeze_answers_its_backlog_afterwards);
    runner_test(slow_is_right_but_late);
    runner_test(half_is_every_second_one_of_a_door);
    runner_test(an_outage_ends_by_itself);
    runner_test(a_flap_has_all_its_changes_on_record);
    runner_test(nonsense_does_not_stop_it);
    runner_test(lateness_is_asked_for_by_span);
}
