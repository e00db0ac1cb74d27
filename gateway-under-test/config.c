/* SPDX-License-Identifier: MIT */
/*
 * Reading is a walk down the document with the JSON pointer of the present object at hand. The first failure ends it:
 * a configuration is rendered by a machine, and one precise place helps more than a list of consequences.
 */
#include "gateway-under-test/config.h"

#include "gateway-under-test/conn.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>

#define CONFIG_MAX ((size_t)1024 * 1024)

const char *const role_words[] = {"gateway", "origin", "witness", "control", NULL};

int place_fail(const struct config_place *p, const char *key, const char *fmt, ...)
{
    char what[256], at[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    (void)snprintf(at, sizeof(at), "%s: %s%s%s", p->file, p->pointer, key ? "/" : "", key ? key : "");
    return err_set(p->e, ERR_MEANING, at, "%s", what);
}

static int place_at(const struct config_place *p, const char *key, const json_t *object, struct config_place *inner)
{
    if (!json_is_object(object))
        return place_fail(p, key, object ? "must be an object" : "is missing");
    *inner = *p;
    inner->object = object;
    (void)snprintf(inner->pointer, sizeof(inner->pointer), "%.80s/%.46s", p->pointer, key);
    return 0;
}

int place_enter(const struct config_place *p, const char *key, struct config_place *inner)
{
    return place_at(p, key, json_object_get(p->object, key), inner);
}

int place_item(const struct config_place *p, const char *key, size_t i, const json_t *item, struct config_place *inner)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%.40s/%zu", key, i);
    return place_at(p, name, item, inner);
}

int place_keys(const struct config_place *p, const char *const *known)
{
    size_t n = 0;
    while (known[n] != NULL)
        n++;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)p->object, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found = found || strcmp(key, known[i]) == 0;
        if (found)
            continue;
        const char *near = text_nearest(key, known, n);
        place_fail(p, key, "unknown key");
        return near ? err_help(p->e, "write \"%s\"", near) : -1;
    }
    return 0;
}

int want_text(const struct config_place *p, const char *key, const char *otherwise, const char **out)
{
    const json_t *v = json_object_get(p->object, key);
    *out = otherwise;
    if (v == NULL)
        return otherwise ? 0 : place_fail(p, key, "is missing");
    const char *s = json_string_value(v);
    size_t len = json_string_length(v);
    if (s == NULL || len == 0 || len > 200 || strlen(s) != len)
        return place_fail(p, key, "must be a text of 1 to 200 bytes");
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] < 0x21 || (unsigned char)s[i] > 0x7e || s[i] == '"' || s[i] == '\\')
            return place_fail(p, key, "must be printable ASCII without spaces, quotes and backslashes");
    }
    *out = arena_strdup(&p->config->arena, s);
    return 0;
}

int want_int(const struct config_place *p, const char *key, int64_t low, int64_t high, int64_t otherwise, int64_t *out)
{
    const json_t *v = json_object_get(p->object, key);
    *out = otherwise;
    if (v == NULL)
        return otherwise != WANTED ? 0 : place_fail(p, key, "is missing");
    if (!json_is_integer(v) || json_integer_value(v) < low || json_integer_value(v) > high)
        return place_fail(p, key, "must be a whole number from %lld to %lld", (long long)low, (long long)high);
    *out = json_integer_value(v);
    return 0;
}

int want_small(const struct config_place *p, const char *key, int low, int high, int64_t otherwise, int *out)
{
    int64_t v = 0;
    if (want_int(p, key, low, high, otherwise, &v) < 0)
        return -1;
    *out = (int)v;
    return 0;
}

int want_word(const struct config_place *p, const char *key, const char *const *words, const char *otherwise, int *out)
{
    const json_t *v = json_object_get(p->object, key);
    const char *s = v ? json_string_value(v) : otherwise;
    for (int i = 0; s != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], s) == 0) {
            *out = i;
            return 0;
        }
    }
    char list[160] = "";
    for (size_t i = 0, at = 0; words[i] != NULL && at < sizeof(list); i++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", words[i]);
    return place_fail(p, key, "must be one of %s", list);
}

int want_bool(const struct config_place *p, const char *key, bool otherwise, bool *out)
{
    const json_t *v = json_object_get(p->object, key);
    *out = v ? json_is_true(v) : otherwise;
    return v == NULL || json_is_boolean(v) ? 0 : place_fail(p, key, "must be true or false");
}

int want_list(const struct config_place *p, const char *key, const json_t **out, size_t *count)
{
    *out = json_object_get(p->object, key);
    *count = json_array_size(*out);
    if (*out == NULL)
        return place_fail(p, key, "is missing");
    if (!json_is_array(*out) || *count == 0 || *count > CONFIG_LIST_MAX)
        return place_fail(p, key, "must be a list of 1 to %d elements", CONFIG_LIST_MAX);
    return 0;
}

int want_texts(const struct config_place *p, const char *key, const char ***out, size_t *count)
{
    const json_t *list;
    if (want_list(p, key, &list, count) < 0)
        return -1;
    *out = arena_array(&p->config->arena, const char *, *count);
    for (size_t i = 0; i < *count; i++) {
        const char *s = json_string_value(json_array_get(list, i));
        if (s == NULL || *s == '\0' || strlen(s) > 63)
            return place_fail(p, key, "element %zu must be a text of 1 to 63 bytes", i);
        for (size_t j = 0; j < i; j++) {
            if (strcmp((*out)[j], s) == 0)
                return place_fail(p, key, "%s is listed twice", s);
        }
        (*out)[i] = arena_strdup(&p->config->arena, s);
    }
    return 0;
}

int want_address(const struct config_place *p, struct sockaddr_in *out)
{
    const char *ip;
    int port;
    if (want_text(p, "address", NULL, &ip) < 0 || want_small(p, "port", 1, 65535, WANTED, &port) < 0)
        return -1;
    return tcp_address(ip, port, out) ? 0 : place_fail(p, "address", "%s is not an IPv4 address", ip);
}

static int parse_flaws(const struct config_place *top)
{
    const json_t *list = json_object_get(top->object, "flaws");
    if (list != NULL && !json_is_array(list))
        return place_fail(top, "flaws", "must be a list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        enum flaw f = name ? flaw_find(name) : FLAW_COUNT;
        if (f == FLAW_COUNT) {
            const char *names[FLAW_COUNT];
            for (int j = 0; j < FLAW_COUNT; j++)
                names[j] = flaw_rows[j].name;
            const char *near = name ? text_nearest(name, names, FLAW_COUNT) : NULL;
            place_fail(top, "flaws", "unknown flaw %s", name ? name : "(not a text)");
            return near ? err_help(top->e, "write \"%s\"", near) : -1;
        }
        top->config->flaws |= UINT64_C(1) << f;
    }
    return 0;
}

static int parse_node(struct config_place *top)
{
    struct config *c = top->config;
    int role = 0;
    if (want_text(top, "node", NULL, &c->node) < 0 || want_word(top, "role", role_words, NULL, &role) < 0 ||
        want_text(top, "region", NULL, &c->region) < 0 || want_small(top, "listen", 1, 65535, WANTED, &c->listen) < 0 ||
        want_small(top, "admin", 1, 65535, WANTED, &c->admin) < 0 ||
        want_int(top, "drain_ms", 0, 600000, 500, &c->drain_ms) < 0 ||
        want_int(top, "finish_ms", 0, 600000, 5000, &c->finish_ms) < 0 || parse_flaws(top) < 0)
        return -1;
    if (strlen(c->region) > 63)
        return place_fail(top, "region", "must be at most 63 bytes");
    if (c->listen == c->admin)
        return place_fail(top, "admin", "must differ from listen");
    c->role = (enum role)role;
    switch (c->role) {
    case ROLE_GATEWAY:
        return config_parse_gateway(top);
    case ROLE_ORIGIN:
        return config_parse_origin(top);
    case ROLE_WITNESS:
        return config_parse_witness(top);
    case ROLE_CONTROL:
        break;
    }
    return config_parse_control(top);
}

int config_parse(json_t *doc, const char *at, struct config **out, struct err *e)
{
    struct config *c = xcalloc(1, sizeof(*c));
    c->doc = json_incref(doc);
    struct config_place top = {.object = doc, .config = c, .file = at, .e = e};
    *out = NULL;
    if (!json_is_object(doc)) {
        config_free(c);
        return err_set(e, ERR_MEANING, at, "the configuration must be an object");
    }
    if (parse_node(&top) < 0) {
        config_free(c);
        return -1;
    }
    json_fingerprint(doc, c->fingerprint);
    *out = c;
    return 0;
}

int config_read(const char *path, struct config **out, struct err *e)
{
    scoped_text struct text t = {0};
    *out = NULL;
    if (text_read_file(&t, path, CONFIG_MAX, e) < 0)
        return -1;
    scoped_json json_t *doc = json_read(text_str(&t), t.len, path, e);
    return doc == NULL ? -1 : config_parse(doc, path, out, e);
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    json_decref(c->doc);
    arena_deinit(&c->arena);
    free(c);
}
