/* SPDX-License-Identifier: MIT */
/*
 * Method: what exists as a file is one; what begins like a URL is asked for once, for five seconds and a megabyte at
 * most; anything else names a run and a gateway of it. A run has a gateway's configuration on record when some gateway
 * drifted: the newest record counts.
 */
#include "harness/cli/diff_side.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/stored.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BYTES_MAX (1u << 20)
#define PATIENCE_S 5L

static json_t *from_file(const char *path, struct err *e)
{
    scoped_text struct text bytes = {0};
    return text_read_file(&bytes, path, BYTES_MAX, e) < 0 ? NULL : json_read(text_str(&bytes), bytes.len, path, e);
}

static size_t gather(char *bytes, size_t size, size_t n, void *arg)
{
    struct text *t = arg;
    if (t->len + size * n > BYTES_MAX) {
        return 0;
    }
    text_add_bytes(t, bytes, size * n);
    return size * n;
}

/* The configuration of a gateway is at its admin port's /config. */
static void whole_url(struct text *out, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    text_add(out, url);
    if (host[strcspn(host, "/")] == '\0') {
        text_add(out, "/config");
    }
}

static json_t *from_url(const char *url, struct err *e)
{
    scoped_text struct text bytes = {0}, whole = {0};
    long status = 0;
    whole_url(&whole, url);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, text_str(&whole));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, PATIENCE_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, gather);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &bytes);
    CURLcode rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (rc != CURLE_OK || status != 200) {
        err_set(e, ERR_READING, text_str(&whole), "there is no configuration to be had: %s, status %ld",
                curl_easy_strerror(rc), status);
        err_help(e, "name the admin port of a gateway that runs, or a file");
        return NULL;
    }
    return json_read(text_str(&bytes), bytes.len, text_str(&whole), e);
}

static json_t *newest_record(const struct evidence *ev, const char *gateway, const char *member)
{
    for (size_t i = ev->event_count; i > 0; i--) {
        const struct event *event = &ev->events[i - 1];
        if (event->kind == EVENT_DRIFT && text_eq(event->subject, gateway)) {
            return json_deep_copy(json_object_get(event->data, member));
        }
    }
    return NULL;
}

static json_t *from_run(const char *given, const char *output, struct err *e)
{
    const char *colon = strchr(given, ':');
    if (!colon) {
        err_set(e, ERR_USAGE, given, "no such file");
        err_help(e, "name a file, a gateway's URL, or a run and a gateway of it: latest:eu-west/1");
        return NULL;
    }
    scoped_text struct text run = {0}, gateway = {0};
    const char *second = strchr(colon + 1, ':');
    bool desired = second && text_eq(second, ":desired");
    text_add_bytes(&run, given, (size_t)(colon - given));
    text_add_bytes(&gateway, colon + 1, desired ? (size_t)(second - colon - 1) : strlen(colon + 1));
    struct stored_run s = {0};
    json_t *doc = stored_load(&s, output, text_str(&run), e) == 0
                      ? newest_record(s.evidence, text_str(&gateway), desired ? "desired" : "running")
                      : NULL;
    if (!doc && s.evidence) {
        err_set(e, ERR_READING, given, "the run has no configuration of `%s` on record", text_str(&gateway));
        err_help(e, "runs in which gateways drift have one of each of them; gateways are named like eu-west/1");
    }
    stored_deinit(&s);
    return doc;
}

static bool is_secret(const char *key)
{
    static const char *const words[] = {"secret", "password", "token"};
    for (size_t i = 0; i < array_len(words); i++) {
        if (strcasestr(key, words[i])) {
            return true;
        }
    }
    return false;
}

static json_t *covered(const json_t *value)
{
    char digest[SHA256_HEX];
    json_fingerprint(value, digest);
    return json_sprintf("secret, SHA-256 %.12s", digest);
}

static void cover_secrets(json_t *doc)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(doc)) {
        json_array_foreach(doc, i, value)
        {
            cover_secrets(value);
        }
    }
    void *next;
    json_object_foreach_safe(doc, next, key, value)
    {
        if (is_secret(key)) {
            json_object_set_new(doc, key, covered(value));
        } else {
            cover_secrets(value);
        }
    }
}

int diff_side_read(struct diff_side *s, const char *given, const char *output, struct err *e)
{
    bool url = text_starts(given, "http://") || text_starts(given, "https://");
    s->name = given;
    s->doc = url ? from_url(given, e) : access(given, F_OK) == 0 ? from_file(given, e) : from_run(given, output, e);
    if (!s->doc) {
        return -1;
    }
    cover_secrets(s->doc);
    return 0;
}
