/* SPDX-License-Identifier: MIT */
/*
 * A question goes through connect, send, receive; one timer bounds all three. Whatever happens ends in finish(),
 * which takes the ask off the list before it calls back, so that the callback may ask again or close the list.
 *
 * A failure that connect(2) reports at once is delivered by the timer in the next turn: nobody is called back from
 * inside ask_start. What an answer says is read by ask_answer.c.
 *
 * What a knock means: an error from the peer (refused, reset, closed without a byte) is KNOCK_REFUSED; no connection in
 * time is KNOCK_SILENT; a connection but no byte in time is KNOCK_CONNECTED_SILENT; any byte of an answer is
 * KNOCK_ANSWERED, as is the mere connection when nothing was asked.
 */
#include "harness/lab/ask.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/lab/ask_answer.h"
#include "harness/lab/ask_dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct ask {
    struct ask *next;
    struct ask_list *list;
    struct ask_order order; /* its strings are gone after ask_start */
    struct loop_io io;
    struct loop_timer timer;
    int fd;
    struct text request, answer;
    size_t sent;
    bool connected, wants_answer, failed, unreachable;
    enum lab_end end;
    int64_t sent_ns, connected_ns, first_byte_ns;
};

#define ask_of(ptr, member) ((struct ask *)(void *)((char *)(ptr) - offsetof(struct ask, member)))

static void unlink_ask(struct ask *a)
{
    for (struct ask **at = &a->list->first; *at; at = &(*at)->next) {
        if (*at == a) {
            *at = a->next;
            return;
        }
    }
}

static void free_ask(struct ask *a)
{
    loop_io_stop(&a->io);
    loop_timer_stop(&a->timer);
    fd_close(&a->fd);
    text_deinit(&a->request);
    text_deinit(&a->answer);
    free(a);
}

static enum knock knock_of(const struct ask *a)
{
    if (a->answer.len > 0 || (a->connected && !a->wants_answer && !a->failed)) {
        return KNOCK_ANSWERED;
    }
    if (a->failed) {
        return a->unreachable ? KNOCK_UNREACHABLE : KNOCK_REFUSED;
    }
    return a->connected && !a->order.dns ? KNOCK_CONNECTED_SILENT : KNOCK_SILENT;
}

static struct lab_course course_of(const struct ask *a)
{
    return (struct lab_course){
        .end = ask_answer_complete(&a->answer) ? END_WHOLE : a->end,
        .connected_ns = a->connected_ns,
        .first_byte_ns = a->first_byte_ns,
        .body_len = ask_answer_body_len(&a->answer),
        .retry_after_s = ask_answer_retry_after(&a->answer),
    };
}

static void finish(struct ask *a)
{
    unlink_ask(a);
    scoped_json json_t *body = a->order.dns     ? ask_dns_body(&a->answer)
                               : a->order.knock ? NULL
                                                : ask_answer_body(&a->answer);
    struct lab_answer answer = {
        .status = a->order.knock ? (int)knock_of(a) : a->order.dns ? (body ? 200 : 0) : ask_answer_status(&a->answer),
        .body = body,
        .sent_ns = a->sent_ns,
        .done_ns = loop_tick(a->order.loop) - a->order.zero_ns,
        .course = course_of(a),
    };
    lab_answer_fn *done = a->order.done;
    void *arg = a->order.arg;
    free_ask(a);
    done(arg, &answer);
}

static void time_is_up(struct loop_timer *t, int64_t now)
{
    struct ask *a = ask_of(t, timer);
    (void)now;
    a->end = a->failed ? END_REFUSED : END_TIMEOUT;
    finish(a);
}

static void fail(struct ask *a)
{
    a->failed = true;
    a->end = a->connected ? END_RESET : END_REFUSED;
    finish(a);
}

/* True when the ask is over (and gone). */
static bool push(struct ask *a)
{
    while (a->sent < a->request.len) {
        ssize_t n = send(a->fd, a->request.at + a->sent, a->request.len - a->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            return false;
        }
        if (n < 0) {
            fail(a);
            return true;
        }
        a->sent += (size_t)n;
    }
    if (!a->wants_answer) {
        finish(a);
        return true;
    }
    if (loop_io_set(a->order.loop, &a->io, a->fd, EPOLLIN, NULL) != 0) {
        fail(a);
        return true;
    }
    return false;
}

static void pull(struct ask *a)
{
    for (;;) {
        char bytes[4096];
        ssize_t n = recv(a->fd, bytes, sizeof(bytes), 0);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            a->failed = n < 0 || a->answer.len == 0;
            a->end = n < 0 ? END_RESET : END_SHORT;
            finish(a);
            return;
        }
        if (a->answer.len == 0) {
            a->first_byte_ns = loop_tick(a->order.loop) - a->order.zero_ns;
        }
        text_add_bytes(&a->answer, bytes, (size_t)n);
        if (a->order.dns || a->answer.len > ASK_ANSWER_MAX || ask_answer_complete(&a->answer)) {
            finish(a);
            return;
        }
    }
}

static void ready(struct loop_io *io, uint32_t events)
{
    struct ask *a = ask_of(io, io);
    if (!a->connected) {
        int os = 0;
        socklen_t len = sizeof(os);
        if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &os, &len) != 0 || os != 0) {
            a->unreachable = os == ENETUNREACH || os == EHOSTUNREACH;
            fail(a);
            return;
        }
        a->connected = true;
        a->connected_ns = loop_tick(a->order.loop) - a->order.zero_ns;
    }
    if (a->sent < a->request.len || !a->wants_answer) {
        if (push(a)) {
            return;
        }
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        pull(a);
    }
}

static void write_request(struct ask *a, const struct ask_order *o)
{
    const char *body = o->body ? o->body : "";
    if (o->dns) {
        ask_dns_query(&a->request, o->target);
        return;
    }
    text_addf(&a->request, "%s %s HTTP/1.1\r\nHost: node\r\nConnection: close\r\n", o->method, o->target);
    if (o->body) {
        text_addf(&a->request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    }
    text_addf(&a->request, "\r\n%s", body);
}

int ask_start(struct ask_list *list, int take_fd, const struct ask_order *o, struct err *e)
{
    struct ask *a = xcalloc(1, sizeof(*a));
    a->fd = take_fd;
    a->order = *o;
    a->order.method = a->order.target = a->order.body = NULL;
    a->list = list;
    a->io.ready = ready;
    a->timer.due = time_is_up;
    a->wants_answer = o->target != NULL;
    if (o->target) {
        write_request(a, o);
    }
    int64_t now = loop_tick(o->loop);
    a->sent_ns = now - o->zero_ns;
    if (connect(a->fd, (const struct sockaddr *)&o->to, sizeof(o->to)) != 0 && errno != EINPROGRESS) {
        a->failed = true;
        loop_timer_set(o->loop, &a->timer, now);
    } else if (loop_io_set(o->loop, &a->io, a->fd, EPOLLIN | EPOLLOUT, e) != 0) {
        free_ask(a);
        return -1;
    } else {
        loop_timer_set(o->loop, &a->timer, now + o->timeout_ns);
    }
    a->next = list->first;
    list->first = a;
    return 0;
}

void ask_list_close(struct ask_list *list)
{
    while (list->first) {
        struct ask *a = list->first;
        list->first = a->next;
        free_ask(a);
    }
}
