/* SPDX-License-Identifier: MIT */
/*
 * Method: one event at a time, in order. Each has two tries of five seconds; anything but 2xx is a failure. After two
 * events in a row that nobody took, later ones get one try of one second, so that the end of the run does not wait for
 * a server that is gone: a run tells some ten events.
 *
 * Failure paths: headers that cannot be read or hold a line break are an error before the run (notify_check). The
 * record (notifications.jsonl) is written after each try, so a sender that is killed leaves what it knew.
 */
#include "harness/cli/notify_send.h"
#include "harness/cli/notify.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 2
#define PATIENCE_MS 5000L
#define IMPATIENCE_MS 1000L
#define GIVEN_UP 2 /* failures in a row */
#define HEADERS_MAX (16 * 1024)
#define COUNT_MAX 125

struct sender {
    CURL *curl;
    struct curl_slist *headers;
    FILE *record;
    unsigned failed, in_a_row;
};

/* Lines of headers into a list; e may be NULL. */
static int add_headers(struct curl_slist **list, const char *lines, const char *from, struct err *e)
{
    scoped_free char *copy = strdup(lines);
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        line[strcspn(line, "\r")] = '\0';
        if (*line && !strchr(line, ':')) {
            err_set(e, ERR_USAGE, from, "a line is no header");
            return err_help(e, "write NAME: VALUE, such as Authorization: Bearer ...");
        }
        *list = *line ? curl_slist_append(*list, line) : *list;
    }
    return 0;
}

static int secret_headers(struct curl_slist **list, struct err *e)
{
    const char *header = getenv("DRTEST_NOTIFY_HEADER"), *file = getenv("DRTEST_NOTIFY_HEADER_FILE");
    scoped_text struct text lines = {0};
    if (file && text_read_file(&lines, file, HEADERS_MAX, e) < 0) {
        return -1;
    }
    return (header && add_headers(list, header, "DRTEST_NOTIFY_HEADER", e) < 0) ||
                   (file && add_headers(list, text_str(&lines), file, e) < 0)
               ? -1
               : 0;
}

int notify_check(const char *url, struct err *e)
{
    struct curl_slist *list = NULL;
    CURLU *parsed = curl_url();
    bool web = text_starts(url, "http://") || text_starts(url, "https://");
    bool whole = web && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(parsed);
    if (!whole) {
        err_set(e, ERR_USAGE, "--notify", "`%.80s` is no URL of the web", url);
        return err_help(e, "write http://... or https://...");
    }
    int rc = secret_headers(&list, e);
    curl_slist_free_all(list);
    return rc;
}

static size_t ignore(const char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes, (void)arg;
    return size * n;
}

static CURLcode post(struct sender *s, const char *event, long patience_ms, long *status)
{
    curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, event);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, patience_ms);
    CURLcode rc = curl_easy_perform(s->curl);
    *status = 0;
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, status);
    return rc;
}

static void keep(struct sender *s, const char *event, bool delivered, long status, int tries, CURLcode rc)
{
    scoped_json json_t *doc =
        json_pack("{s:o?,s:b,s:I,s:i,s:s?}", "event", json_loads(event, 0, NULL), "delivered", delivered, "status",
                  (json_int_t)status, "tries", tries, "error", rc == CURLE_OK ? NULL : curl_easy_strerror(rc));
    scoped_free char *line = json_dumps(doc, JSON_COMPACT);
    if (line) {
        fprintf(s->record, "%s\n", line);
        fflush(s->record);
    }
}

static void deliver(struct sender *s, const char *event)
{
    bool hopeless = s->in_a_row >= GIVEN_UP, delivered = false;
    int tries = 0, most = hopeless ? 1 : TRIES;
    long status = 0;
    CURLcode rc = CURLE_OK;
    while (!delivered && tries < most) {
        rc = post(s, event, hopeless ? IMPATIENCE_MS : PATIENCE_MS, &status);
        delivered = rc == CURLE_OK && status >= 200 && status < 300;
        tries++;
    }
    s->failed += !delivered;
    s->in_a_row = delivered ? 0 : s->in_a_row + 1;
    keep(s, event, delivered, status, tries, rc);
}

static bool open_sender(struct sender *s, const char *url, const char *run_path)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/notifications.jsonl", run_path);
    s->record = fopen(text_str(&path), "we");
    s->curl = curl_easy_init();
    s->headers = curl_slist_append(NULL, "Content-Type: application/cloudevents+json; charset=utf-8");
    if (!s->record || !s->curl || secret_headers(&s->headers, NULL) < 0) {
        return false;
    }
    curl_easy_setopt(s->curl, CURLOPT_URL, url);
    curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, ignore);
    return true;
}

_Noreturn void notify_send_all(int fd, const char *url, const char *run_path)
{
    static char event[LISTENER_MESSAGE_MAX];
    struct sender s = {0};
    ssize_t n;
    if (!open_sender(&s, url, run_path)) {
        _exit(COUNT_MAX);
    }
    while ((n = recv(fd, event, sizeof(event) - 1, 0)) > 0) {
        event[n] = '\0';
        deliver(&s, event);
    }
    fclose(s.record);
    _exit(s.failed > COUNT_MAX ? COUNT_MAX : (int)s.failed);
}

int64_t notify_send_bound_ns(void)
{
    return GIVEN_UP * TRIES * PATIENCE_MS * NS_PER_MS + 20 * IMPATIENCE_MS * NS_PER_MS;
}
