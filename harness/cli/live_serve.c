/* SPDX-License-Identifier: MIT */
/*
 * Method: one process, one loop over two descriptors: the channel from the run and the epoll set of libmicrohttpd,
 * which does the HTTP. The page asks twice a second for what it has not seen yet (/news?from=N); messages are kept in
 * one growing list, and answers are cut out of it. /report.html is the file of the run directory, once it is there.
 *
 * Pages are told apart by a number that each draws for itself (/news?from=N&page=P). After the channel has closed the
 * server stays until every page that asked in the last seconds was told and has fetched the report, five seconds at
 * most. It listens on 127.0.0.1 only, answers GET only, and tells browsers not to keep anything.
 */
#include "harness/cli/live_serve.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"
#include "harness/cli/listener.h"
#include "harness/cli/live_about.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_MS 200
#define LOOKED_AT_NS (3 * NS_PER_S)
#define LINGER_NS (5 * NS_PER_S)
#define PAGES 16           /* more than these share a place */
#define MESSAGES_MAX 20000 /* of a drill of hours; later ones are not kept */
#define REPORT_MAX (16 << 20)
#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"

extern const char live_html[], live_js[], live_charts_js[], live_css[];
extern const char page_css[], chart_css[], page_js[]; /* the report's, made by reports/: one look for both */

struct server {
    const char *run_path;
    char *about; /* JSON: what the page says of the plan */
    struct {
        char **at;
        size_t len, cap;
    } messages;
    struct {
        unsigned long number;
        int64_t asked_ns; /* when it last asked for news; 0: no page */
        bool told;        /* that it is over */
    } pages[PAGES];
    bool over;
    int64_t over_ns;
    size_t fetched; /* reports */
};

/* What the page is made of. */
#define STYLE "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
static const struct {
    const char *url, *type, *text;
} parts[] = {
    {"/", "text/html; charset=utf-8", live_html},
    {"/page.css", STYLE, page_css},
    {"/chart.css", STYLE, chart_css},
    {"/live.css", STYLE, live_css},
    {"/page.js", SCRIPT, page_js},
    {"/live_charts.js", SCRIPT, live_charts_js},
    {"/live.js", SCRIPT, live_js},
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, const char *bytes,
                              size_t len)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (text_starts(type, "text/html") && bytes == live_html) {
        MHD_add_response_header(r, "Content-Security-Policy", POLICY);
    }
    enum MHD_Result queued = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, const char *type, const char *text)
{
    return answer(c, MHD_HTTP_OK, type, text, strlen(text));
}

static unsigned long argument(struct MHD_Connection *c, const char *name)
{
    const char *value = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
    return value ? strtoul(value, NULL, 10) : 0;
}

/* The place of the page, else the one that was not heard of for longest. */
static void note_page(struct server *s, unsigned long number)
{
    size_t place = 0;
    for (size_t i = 0; i < PAGES; i++) {
        bool known = s->pages[i].asked_ns && s->pages[i].number == number;
        if (known || s->pages[i].asked_ns < s->pages[place].asked_ns) {
            place = i;
        }
        if (known) {
            break;
        }
    }
    s->pages[place].number = number;
    s->pages[place].asked_ns = clock_mono_ns();
    s->pages[place].told = s->over;
}

/* Is there a page that would miss its report if we went? */
static bool is_awaited(const struct server *s)
{
    size_t told = 0;
    for (size_t i = 0; i < PAGES; i++) {
        told += s->pages[i].told;
        if (s->pages[i].asked_ns && !s->pages[i].told && s->over_ns - s->pages[i].asked_ns < LOOKED_AT_NS) {
            return true;
        }
    }
    return s->fetched < told;
}

static enum MHD_Result answer_news(struct server *s, struct MHD_Connection *c)
{
    size_t at = argument(c, "from");
    scoped_text struct text out = {0};
    text_addf(&out, "{\"next\":%zu,\"over\":%s,\"news\":[", s->messages.len, s->over ? "true" : "false");
    for (size_t i = at; i < s->messages.len; i++) {
        text_addf(&out, "%s%s", i > at ? "," : "", s->messages.at[i]);
    }
    text_add(&out, "]}");
    note_page(s, argument(c, "page"));
    return answer_text(c, "application/json", text_str(&out));
}

static enum MHD_Result answer_report(struct server *s, struct MHD_Connection *c, void **seen)
{
    scoped_text struct text path = {0}, report = {0};
    text_addf(&path, "%s/report.html", s->run_path);
    if (!s->over || text_read_file(&report, text_str(&path), REPORT_MAX, NULL) < 0) {
        return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", "not yet\n", 8);
    }
    *seen = &s->fetched; /* counted when the last byte is out */
    return answer(c, MHD_HTTP_OK, "text/html; charset=utf-8", report.at, report.len);
}

/* As libmicrohttpd calls it: once when the head of a request is there, then again when its (ignored) body is. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **seen)
{
    struct server *s = arg;
    (void)version, (void)upload;
    if (!text_eq(method, "GET")) {
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "GET only\n", 9);
    }
    if (!*seen) {
        *seen = s;
        return MHD_YES;
    }
    *upload_len = 0;
    for (size_t i = 0; i < array_len(parts); i++) {
        if (text_eq(url, parts[i].url)) {
            return answer_text(c, parts[i].type, parts[i].text);
        }
    }
    if (text_eq(url, "/favicon.ico")) {
        return answer(c, MHD_HTTP_NO_CONTENT, "image/x-icon", "", 0);
    }
    if (text_eq(url, "/about")) {
        return answer_text(c, "application/json", s->about);
    }
    return text_eq(url, "/news") ? answer_news(s, c) : text_eq(url, "/report.html") ? answer_report(s, c, seen)
                                                    : answer(c, MHD_HTTP_NOT_FOUND, "text/plain", "nothing here\n", 13);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **seen, enum MHD_RequestTerminationCode how)
{
    struct server *s = arg;
    (void)c, (void)how;
    s->fetched += *seen == &s->fetched;
}

static struct MHD_Daemon *listen_on_loopback(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &at,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_CONNECTION_LIMIT, 32u,
                            MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
}

static void say(int fd, const char *words)
{
    (void)send(fd, words, strlen(words), MSG_NOSIGNAL);
}

/* False once the channel is closed. */
static bool take_messages(struct server *s, int fd)
{
    static char message[LISTENER_MESSAGE_MAX];
    ssize_t n;
    while ((n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT)) > 0) {
        message[n] = '\0';
        if (s->messages.len < MESSAGES_MAX) {
            *vec_push(&s->messages) = xstrdup(message);
        }
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void serve(struct server *s, struct MHD_Daemon *daemon, int fd)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    while (!s->over || (is_awaited(s) && clock_mono_ns() - s->over_ns < LINGER_NS)) {
        struct pollfd fds[2] = {{.fd = info->epoll_fd, .events = POLLIN}, {.fd = s->over ? -1 : fd, .events = POLLIN}};
        poll(fds, 2, TURN_MS);
        if (!s->over && !take_messages(s, fd)) {
            s->over = true;
            s->over_ns = clock_mono_ns();
        }
        MHD_run(daemon);
    }
}

_Noreturn void live_serve(int fd, const struct plan *plan, const char *run_path)
{
    struct server s = {.run_path = run_path, .about = live_about(plan, run_path)};
    char port[16];
    struct MHD_Daemon *daemon = listen_on_loopback(&s);
    if (!daemon) {
        say(fd, strerror(errno));
        _exit(EXIT_FAILURE);
    }
    snprintf(port, sizeof(port), "%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    say(fd, port);
    serve(&s, daemon, fd);
    MHD_stop_daemon(daemon);
    _exit(EXIT_SUCCESS);
}
