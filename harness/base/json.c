/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON with a place for every error, the canonical form, and SHA-256.
 *
 * The canonical form is written here and not by jansson, whose reals have 17 digits: 0.1 would become
 * 0.10000000000000001. A real is written with the fewest of 15 to 17 digits that read back as the same double, always
 * with a point or an exponent, so that it stays a real; minus zero is written as zero, for the two are equal. Keys
 * are sorted by their bytes. Strings are UTF-8 with the escapes that RFC 8259 demands and no others.
 *
 * Duplicate keys, NUL (also between tokens, where jansson overlooks it) and nesting deeper than jansson's 2048 are
 * refused when reading.
 */
#include "harness/base/json.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void hex_of(const unsigned char *digest, char out[SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = '\0';
}

void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(len ? bytes : "", len, digest, NULL, EVP_sha256(), NULL) != 1) {
        abort(); /* libcrypto knows SHA-256, so it ran out of memory */
    }
    hex_of(digest, out);
}

static int digest_fd(int fd, EVP_MD_CTX *ctx)
{
    unsigned char chunk[65536];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return (int)n;
        }
        EVP_DigestUpdate(ctx, chunk, (size_t)n);
    }
}

int sha256_file(const char *path, char out[SHA256_HEX], struct err *e)
{
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return err_os(e, ERR_READING, errno, path, "cannot open the file");
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return err_set(e, ERR_READING, path, "not a regular file");
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        abort();
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    int rc = digest_fd(fd, ctx);
    int os = errno;
    EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
    if (rc != 0) {
        return err_os(e, ERR_READING, os, path, "cannot read the file");
    }
    hex_of(digest, out);
    return 0;
}

json_t *json_read(const char *text, size_t len, const char *at, struct err *e)
{
    if (memchr(text, '\0', len)) {
        err_set(e, ERR_READING, at, "not valid JSON: a NUL byte");
        return NULL;
    }
    json_error_t why;
    json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!doc) {
        char place[sizeof(e->at)];
        snprintf(place, sizeof(place), "%s:%d:%d", at ? at : "", why.line, why.column);
        err_set(e, ERR_READING, place, "not valid JSON: %s", why.text);
    }
    return doc;
}

static void write_string(struct text *out, const char *s, size_t len)
{
    text_add(out, "\"");
    size_t plain = 0; /* where the bytes not yet written begin */
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        text_add_bytes(out, s + plain, i - plain);
        plain = i + 1;
        static const char plainly[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
        const char *known = c ? strchr(plainly, c) : NULL;
        if (known) {
            text_addf(out, "\\%c", letter[known - plainly]);
        } else {
            text_addf(out, "\\u%04x", (unsigned)c);
        }
    }
    text_add_bytes(out, s + plain, len - plain);
    text_add(out, "\"");
}

static void write_real(struct text *out, double x)
{
    char buf[40];
    x = x == 0 ? 0 : x;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, sizeof(buf), "%.*g", digits, x);
        if (strtod(buf, NULL) == x) {
            break;
        }
    }
    bool marked = false;
    for (char *c = buf; *c; c++) {
        if (!strchr("0123456789+-e", *c)) {
            *c = '.'; /* whatever the locale thinks a point is */
        }
        marked |= *c == '.' || *c == 'e';
    }
    text_add(out, buf);
    text_add(out, marked ? "" : ".0");
}

static void write_value(struct text *out, const json_t *v);

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_object(struct text *out, const json_t *object)
{
    size_t n = json_object_size(object), i = 0;
    scoped_free const char **keys = malloc((n + 1) * sizeof(*keys));
    if (!keys) {
        abort();
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        keys[i++] = key;
    }
    qsort(keys, n, sizeof(*keys), by_bytes);
    text_add(out, "{");
    for (i = 0; i < n; i++) {
        text_add(out, i ? "," : "");
        write_string(out, keys[i], strlen(keys[i]));
        text_add(out, ":");
        write_value(out, json_object_get(object, keys[i]));
    }
    text_add(out, "}");
}

static void write_value(struct text *out, const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        write_object(out, v);
        break;
    case JSON_ARRAY:
        text_add(out, "[");
        for (size_t i = 0; i < json_array_size(v); i++) {
            text_add(out, i ? "," : "");
            write_value(out, json_array_get(v, i));
        }
        text_add(out, "]");
        break;
    case JSON_STRING:
        write_string(out, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        text_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL:
        write_real(out, json_real_value(v));
        break;
    case JSON_TRUE:
        text_add(out, "true");
        break;
    case JSON_FALSE:
        text_add(out, "false");
        break;
    case JSON_NULL:
        text_add(out, "null");
        break;
    }
}

char *json_canonical(const json_t *doc)
{
    struct text out = {0};
    if (doc) {
        write_value(&out, doc);
    }
    return text_steal(&out);
}

void json_fingerprint(const json_t *doc, char out[SHA256_HEX])
{
    scoped_free char *canonical = json_canonical(doc);
    sha256_hex(canonical, strlen(canonical), out);
}

json_t *json_finite(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}
