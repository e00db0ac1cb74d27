/* SPDX-License-Identifier: MIT */
/*
 * Counters, positions and ages always move, so news are named one by one. The words are for people who follow a drill:
 * the path of each member that changed with its slashes as spaces, yes and no for what is true or false, and of a
 * fingerprint as many digits as tell it from others.
 */
#include "harness/run/news.h"

#include "harness/base/err.h"
#include "harness/base/json_compare.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>

#define FINGERPRINT 64
#define FINGERPRINT_SHOWN 12
#define VALUE_SHOWN 60

static const char *const news[] = {"config",  "desired",   "drift",  "drift_kind", "secrets", "secrets_files",
                                   "standby", "upstreams", "leader", "epoch",      "mode",    "holder",
                                   "in_sync", "lost_log",  "file",   "file_state", "answer",  "alerts"};
static const char *const peer_news[] = {"connected", "in_sync"};

static json_t *members(const json_t *object, const char *const *names, size_t n)
{
    json_t *kept = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set(kept, names[i], json_object_get(object, names[i]));
    return kept;
}

json_t *news_of(const json_t *status)
{
    json_t *kept = members(status, news, array_len(news)), *peers = json_object(), *peer;
    size_t i;
    json_array_foreach(json_object_get(status, "peers"), i, peer)
    {
        const char *region = json_string_value(json_object_get(peer, "region"));
        json_object_set_new(peers, region ? region : "?", members(peer, peer_news, array_len(peer_news)));
    }
    json_object_set_new(kept, "peers", peers);
    return kept;
}

static void add_value(struct text *t, const json_t *v)
{
    const char *word = json_string_value(v);
    if (!v || json_is_null(v)) {
        text_add(t, "none");
    } else if (json_is_boolean(v)) {
        text_add(t, json_is_true(v) ? "yes" : "no");
    } else if (word) {
        text_addf(t, "%.*s", strlen(word) == FINGERPRINT ? FINGERPRINT_SHOWN : VALUE_SHOWN, word);
    } else {
        scoped_free char *dump = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        text_addf(t, "%.*s", VALUE_SHOWN, dump ? dump : "?");
    }
}

/* RFC 6901 backwards, but for the separators. */
static void add_path(struct text *t, const char *path)
{
    for (; *path; path++) {
        bool escaped = path[0] == '~' && (path[1] == '0' || path[1] == '1');
        text_add_bytes(t, *path == '/' ? " " : !escaped ? path : path[1] == '1' ? "/" : "~", 1);
        path += escaped;
    }
}

void news_words(const json_t *before, const json_t *after, char out[NEWS_WORDS])
{
    scoped_text struct text t = {0};
    struct json_comparison c = {0};
    if (before)
        json_compare(&c, before, after);
    else
        text_add(&t, "first answer");
    for (size_t i = 0; i < c.rows.len; i++) {
        text_add(&t, i ? ", " : "");
        add_path(&t, c.rows.at[i].path);
        text_add(&t, ": ");
        add_value(&t, c.rows.at[i].desired);
        text_add(&t, " -> ");
        add_value(&t, c.rows.at[i].actual);
    }
    snprintf(out, NEWS_WORDS, "%s", text_str(&t));
    json_comparison_deinit(&c);
}
