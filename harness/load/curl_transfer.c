/* SPDX-License-Identifier: MIT */
/*
 * The constant options of an easy handle are set once, address, method, reuse and timeouts when they differ from what
 * the handle was last used for. What differs each time is the target and what stands in the headers, which are list
 * nodes inside the transfer. The target goes past the URL (CURLOPT_REQUEST_TARGET): libcurl would take the URL apart
 * and print it again for each request. So a request allocates nothing but what libcurl does.
 *
 * What left this machine: CURLINFO_REQUEST_SIZE counts the bytes of request handed to the kernel; zero proves that
 * nothing can have been applied. libcurl silently repeats a request on a new connection when a kept-alive one dies
 * before any reply byte; the count is then that of two requests. A kept-alive request that had to connect although
 * an idle connection was there is the same in another guise. Both are marked as reconnected.
 *
 * Local failures: descriptors and memory are seen where sockets are opened, which we do ourselves; ports and buffers in
 * the errno of connect(2), read only after CURLE_COULDNT_CONNECT as it is stale otherwise.
 *
 * TLS: peer and address are verified against the one root given, the machine's own authorities are left out, and no
 * session is resumed, since a resumed one is not shown the certificate that a new client would be shown.
 *
 * The answer is hostile: its body is bounded, its headers are read by answer_head.c, trailers are not looked at.
 */
#include "harness/load/curl_transfer.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/crc32c.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_BODY = 4 << 20 };

static const char nonce_header[] = "X-DR-Nonce: 0000000000000000";

/* What libcurl calls. */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *x = arg;
    size_t len = size * count;
    if (x->body.len + len > MAX_BODY) {
        return 0;
    }
    text_add_bytes(&x->body, bytes, len);
    return len;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *x = arg;
    if (x->body.len == 0) { /* trailers may not overrule the head */
        answer_head_line(&x->head, bytes, size * count);
    }
    return size * count;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)purpose;
    struct transfer *x = arg;
    x->fd = curl_sockets_open(x->sockets, to, x->peer, x);
    if (x->fd < 0) {
        x->socket_errno = errno;
        return CURL_SOCKET_BAD;
    }
    return x->fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    curl_sockets_close(arg, fd);
    return 0;
}

/* The options that never change; transport_curl_facts tells them. */
static bool set_constants(struct transfer *x, const char *authority)
{
    CURL *easy = x->easy;
    CURLcode bad = CURLE_OK;
    const char *scheme = authority ? "https" : "http";
#define SET(option, value) (bad = bad ? bad : curl_easy_setopt(easy, option, value))
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_PROTOCOLS_STR, scheme);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PIPEWAIT, 0L);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    SET(CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
    SET(CURLOPT_USERAGENT, "drtest");
    SET(CURLOPT_HTTPHEADER, x->headers);
    SET(CURLOPT_PRIVATE, x);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, x);
    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
    SET(CURLOPT_CLOSESOCKETDATA, x->sockets);
    if (authority) {
        SET(CURLOPT_CAINFO, authority);
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_SSL_VERIFYPEER, 1L);
        SET(CURLOPT_SSL_VERIFYHOST, 2L);
        SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
        SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
    }
#undef SET
    return !bad && curl_url_set(x->url, CURLUPART_SCHEME, scheme, 0) == CURLUE_OK;
}

void transfer_free(struct transfer *x)
{
    curl_easy_cleanup(x->easy);
    curl_url_cleanup(x->url);
    text_deinit(&x->request_body);
    text_deinit(&x->body);
    free(x);
}

struct transfer *transfer_new(struct curl_transport *home, struct curl_sockets *sockets, const char *authority)
{
    struct transfer *x = xcalloc(1, sizeof(*x));
    x->home = home;
    x->sockets = sockets;
    x->easy = curl_easy_init();
    x->url = curl_url();
    x->headers[0].data = memcpy(x->header_text[0], nonce_header, sizeof(nonce_header));
    if (!x->easy || !x->url || !set_constants(x, authority)) {
        transfer_free(x);
        return NULL;
    }
    return x;
}

/* From request to transfer. */

/* The next header, its name with what stands before the value; what is after the last one used is cut off by the NULL
 * of its next. */
static bool add_header(struct transfer *x, size_t *used, const char *name, const char *value)
{
    char *at = x->header_text[*used];
    int len = snprintf(at, TRANSFER_HEADER_MAX, "%s%s", name, value);
    x->headers[*used] = (struct curl_slist){.data = at};
    x->headers[*used - 1].next = &x->headers[*used];
    ++*used;
    x->request_size += (size_t)len + 2;
    return len < TRANSFER_HEADER_MAX;
}

/* The first header is always there, and always as long. */
static void set_nonce(struct transfer *x, uint64_t nonce)
{
    for (char *at = x->header_text[0] + sizeof(nonce_header) - 2; *at != ' '; at--, nonce >>= 4) {
        *at = "0123456789abcdef"[nonce & 15];
    }
    x->headers[0].next = NULL;
    x->request_size += sizeof(nonce_header) + 1;
}

static bool set_headers(struct transfer *x, const struct exchange_request *r)
{
    size_t used = 1;
    bool fit = true;
    set_nonce(x, r->nonce);
    if (r->api_key) {
        fit = add_header(x, &used, "X-API-Key: ", r->api_key);
    }
    if (r->token) {
        fit = add_header(x, &used, "Authorization: Bearer ", r->token) && fit;
    }
    if (r->idempotency_key) {
        fit = add_header(x, &used, "Idempotency-Key: ", r->idempotency_key) && fit;
    }
    if (r->post) {
        fit = add_header(x, &used, "Content-Type: ", "application/json") && fit;
    }
    return fit;
}

static bool set_server(struct transfer *x, const struct exchange_request *r)
{
    if (x->port == r->port && text_eq(x->address, r->address)) {
        return true;
    }
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)r->port);
    snprintf(x->address, sizeof(x->address), "%s", r->address);
    x->port = r->port;
    return curl_url_set(x->url, CURLUPART_HOST, r->address, 0) == CURLUE_OK &&
           curl_url_set(x->url, CURLUPART_PORT, port, 0) == CURLUE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_CURLU, x->url) == CURLE_OK;
}

/* An absolute path and query that can stand in a request line as it is. */
static bool set_target(struct transfer *x, const char *target)
{
    for (const char *at = target; *at; at++) {
        if (*at <= ' ' || *at > '~' || *at == '#') {
            return false;
        }
    }
    return *target == '/' && curl_easy_setopt(x->easy, CURLOPT_REQUEST_TARGET, target) == CURLE_OK;
}

static void set_method(struct transfer *x, const struct exchange_request *r)
{
    if (x->post && !r->post) {
        curl_easy_setopt(x->easy, CURLOPT_HTTPGET, 1L);
    }
    x->post = r->post;
    if (r->post) {
        text_clear(&x->request_body);
        text_add(&x->request_body, r->body ? r->body : "");
        curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, text_str(&x->request_body));
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->request_body.len);
    }
}

static void set_reuse(struct transfer *x, bool fresh)
{
    if (x->fresh != fresh) {
        x->fresh = fresh;
        curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
        curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, fresh ? 1L : 0L);
    }
}

static long in_ms(int64_t ns)
{
    return (long)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void set_limits(struct transfer *x, const struct exchange_request *r)
{
    long limit_ms = in_ms(r->timeout_ns), connect_ms = r->connect_ns > 0 ? in_ms(r->connect_ns) : limit_ms;
    if (x->limit_ms != limit_ms || x->connect_ms != connect_ms) {
        x->limit_ms = limit_ms;
        x->connect_ms = connect_ms;
        curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
        curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, limit_ms);
    }
}

bool transfer_prepare(struct transfer *x, const struct exchange_request *r)
{
    text_clear(&x->body);
    x->head = (struct answer_head){0};
    x->answer = (struct exchange_answer){0};
    x->socket_errno = 0;
    x->fd = x->watched_fd = -1;
    x->nonce = r->nonce;
    x->peer = r->fresh ? NULL : curl_sockets_peer(x->sockets, r->address, r->port);
    x->had_idle = x->peer && x->peer->open > x->peer->busy;
    x->request_size = strlen(r->target) + strlen(r->address) + 64; /* the request line and libcurl's own headers */
    set_limits(x, r);
    set_reuse(x, r->fresh);
    set_method(x, r);
    return set_headers(x, r) && set_server(x, r) && set_target(x, r->target);
}

/* From transfer to answer. */

static bool is_local_errno(long os)
{
    return os == EMFILE || os == ENFILE || os == ENOBUFS || os == ENOMEM || os == EADDRNOTAVAIL;
}

static bool is_local_code(CURLcode code)
{
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_INTERFACE_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_NO_CONNECTION_AVAILABLE:
    case CURLE_ABORTED_BY_CALLBACK:
        return true;
    default:
        return false;
    }
}

/* Ended in the handshake: refused by the server, or by us for what it showed. */
static bool is_handshake_code(CURLcode code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return true;
    default:
        return false;
    }
}

static bool stopped_locally(const struct transfer *x, CURLcode code)
{
    long os = 0;
    if (code == CURLE_COULDNT_CONNECT) {
        curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &os);
    }
    return code != CURLE_OK && (is_local_code(code) || is_local_errno(os) || is_local_errno(x->socket_errno));
}

static bool was_repeated(const struct transfer *x, long request_size)
{
    long connects = 0;
    curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
    bool twice = (size_t)request_size > x->request_size + x->request_size / 2;
    return x->peer && (twice || (connects > 0 && x->had_idle));
}

static bool was_queued(const struct transfer *x)
{
#if LIBCURL_VERSION_NUM >= 0x080600
    curl_off_t queued_us = 0;
    curl_easy_getinfo(x->easy, CURLINFO_QUEUE_TIME_T, &queued_us);
    return queued_us > 0;
#else
    (void)x;
    return false;
#endif
}

static void read_head(struct transfer *x)
{
    struct exchange_answer *a = &x->answer;
    const struct answer_head *h = &x->head;
    a->has_nonce = h->has_nonce;
    a->nonce_ok = h->has_nonce && !h->nonce_malformed && h->nonce == x->nonce;
    a->has_check = h->has_check;
    a->check_ok = h->has_check && !h->check_malformed && h->check == crc32c(text_str(&x->body), x->body.len);
    a->not_forwarded = h->not_forwarded;
    a->epoch = h->epoch;
    a->lsn = h->lsn;
    a->attempts = h->attempts;
    memcpy(a->region, h->region, sizeof(a->region));
    memcpy(a->node, h->node, sizeof(a->node));
}

void transfer_read(struct transfer *x, CURLcode code, int64_t now)
{
    long request_size = 0, status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    struct exchange_answer *a = &x->answer;
    a->code = (int)code;
    a->status = (int)status;
    a->connected = request_size > 0;
    a->local_error = stopped_locally(x, code);
    a->timed_out = code == CURLE_OPERATION_TIMEDOUT;
    a->refused = code != CURLE_OK && !a->connected && !a->timed_out && !a->local_error;
    a->insecure = a->refused && is_handshake_code(code);
    a->reconnected = was_repeated(x, request_size);
    a->queued = was_queued(x);
    a->body = text_str(&x->body);
    a->body_len = x->body.len;
    a->done_ns = now;
    read_head(x);
}
