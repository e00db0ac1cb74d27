/* SPDX-License-Identifier: MIT */
/*
 * The HTTP parser on messages that are right: whatever way the bytes arrive, the result is the same.
 */
#include "gateway-under-test/http1.h"
#include "harness/base/scoped.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

/* Feed the text in two pieces cut at `cut`, the buffer moving in between as a growing one does. */
static enum http_progress feed_cut(struct http_message *m, const char *text, size_t cut, char **out)
{
    size_t len = strlen(text);
    scoped_free char *first = malloc(cut + 1);
    memcpy(first, text, cut);
    enum http_progress p = http_read(m, first, cut);
    if (p != HTTP_MORE) {
        *out = steal(&first);
        return p;
    }
    char *whole = malloc(len + 1);
    memcpy(whole, first, cut); /* what a chunked body has been joined to so far */
    memcpy(whole + cut, text + cut, len - cut);
    *out = whole;
    return http_read(m, whole, len);
}

static void whole_requests_at_every_cut(void)
{
    static const struct {
        const char *text, *target, *body;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "/", ""},
        {"POST /v1/orders?x=1 HTTP/1.1\r\nhost:a\r\nContent-Length: 5\r\n\r\nhello", "/v1/orders?x=1", "hello"},
        {"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\n\r\n",
         "/c", "hello, world"},
        {"DELETE /x HTTP/1.0\r\n\r\n", "/x", ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        for (size_t cut = 0; cut <= strlen(rows[i].text); cut++) {
            struct http_message m;
            char *bytes = NULL;
            http_begin_request(&m);
            CU_ASSERT_EQUAL(feed_cut(&m, rows[i].text, cut, &bytes), HTTP_DONE);
            CU_ASSERT(span_is(http_target(&m, bytes), rows[i].target));
            CU_ASSERT(span_is(http_body(&m, bytes), rows[i].body));
            CU_ASSERT_EQUAL(m.used, strlen(rows[i].text));
            free(bytes);
        }
    }
}

static void pipelined_requests_end_where_they_end(void)
{
    char text[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxyGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    struct http_message m;
    http_begin_request(&m);
    CU_ASSERT_EQUAL(http_read(&m, text, strlen(text)), HTTP_DONE);
    CU_ASSERT(span_is(http_body(&m, text), "xy"));
    size_t first = m.used;
    http_begin_request(&m);
    CU_ASSERT_EQUAL(http_read(&m, text + first, strlen(text) - first), HTTP_DONE);
    CU_ASSERT(span_is(http_target(&m, text + first), "/b"));
    CU_ASSERT_EQUAL(first + m.used, strlen(text));
}

static void fields_are_found_whatever_their_case(void)
{
    char text[] = "GET / HTTP/1.1\r\nHOST: a\r\nIdempotency-Key:\t run/c0-1 \t\r\nX-Empty:\r\n\r\n";
    struct http_message m;
    http_begin_request(&m);
    CU_ASSERT_EQUAL(http_read(&m, text, strlen(text)), HTTP_DONE);
    CU_ASSERT(span_is(http_field(&m, text, "idempotency-key"), "run/c0-1"));
    CU_ASSERT(span_is(http_field(&m, text, "x-empty"), ""));
    CU_ASSERT_PTR_NULL(http_field(&m, text, "absent").at);
}

static void connections_live_as_the_message_says(void)
{
    static const struct {
        const char *text;
        bool keep;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo , Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct http_message m;
        char text[128];
        (void)snprintf(text, sizeof(text), "%s", rows[i].text);
        http_begin_request(&m);
        CU_ASSERT_EQUAL(http_read(&m, text, strlen(text)), HTTP_DONE);
        CU_ASSERT_EQUAL(m.keep_alive, rows[i].keep);
    }
}

static void responses_are_framed_by_status_length_or_close(void)
{
    struct http_message m;
    char none[] = "HTTP/1.1 204 No Content\r\n\r\n", close[] = "HTTP/1.1 200 OK\r\n\r\npart",
         odd[] = "HTTP/1.1 503\r\n\r\n";
    http_begin_response(&m, false);
    CU_ASSERT_EQUAL(http_read(&m, none, strlen(none)), HTTP_DONE);
    CU_ASSERT_EQUAL(m.status, 204);
    http_begin_response(&m, false);
    CU_ASSERT_EQUAL(http_read(&m, close, strlen(close)), HTTP_MORE);
    CU_ASSERT_FALSE(m.keep_alive);
    CU_ASSERT_EQUAL(http_read_end(&m, strlen(close)), HTTP_DONE);
    CU_ASSERT(span_is(http_body(&m, close), "part"));
    http_begin_response(&m, false);
    CU_ASSERT_EQUAL(http_read(&m, odd, strlen(odd)), HTTP_MORE);
    CU_ASSERT_EQUAL(m.status, 503);
    char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n";
    http_begin_response(&m, true);
    CU_ASSERT_EQUAL(http_read(&m, head, strlen(head)), HTTP_DONE);
    CU_ASSERT(m.body_len == 0 && m.told_len == 999);
    char large[] = "HTTP/1.1 304 Not Modified\r\nContent-Length: 4000000000\r\n\r\n";
    http_begin_response(&m, false); /* of a body that is not sent there may be any amount */
    CU_ASSERT_EQUAL(http_read(&m, large, strlen(large)), HTTP_DONE);
    CU_ASSERT(m.body_len == 0 && m.told_len == 4000000000);
    char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    http_begin_response(&m, false);
    CU_ASSERT_EQUAL(http_read(&m, cut, strlen(cut)), HTTP_MORE);
    CU_ASSERT_EQUAL(http_read_end(&m, strlen(cut)), HTTP_BAD);
}

static void queries_are_cut_at_their_names(void)
{
    struct http_span t = {"/v1/ops?limit=5&from=12&x", 25};
    int64_t n = 0;
    CU_ASSERT(span_is(span_query(t, "from"), "12"));
    CU_ASSERT(span_int(span_query(t, "limit"), &n));
    CU_ASSERT_EQUAL(n, 5);
    CU_ASSERT_PTR_NULL(span_query(t, "rom").at);
    CU_ASSERT_PTR_NULL(span_query((struct http_span){"/", 1}, "from").at);
    CU_ASSERT_FALSE(span_int((struct http_span){"1234567890123456789", 19}, &n));
    CU_ASSERT_FALSE(span_int((struct http_span){"-1", 2}, &n));
}

void suite_http1(void)
{
    runner_suite(NULL, NULL);
    runner_test(whole_requests_at_every_cut);
    runner_test(pipelined_requests_end_where_they_end);
    runner_test(fields_are_found_whatever_their_case);
    runner_test(connections_live_as_the_message_says);
    runner_test(responses_are_framed_by_status_length_or_close);
    runner_test(queries_are_cut_at_their_names);
}
