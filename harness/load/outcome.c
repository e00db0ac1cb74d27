/* SPDX-License-Identifier: MIT */
/*
 * Row by row, first match rules:
 *
 *     stopped on this side             nothing left: unsent, failed;  else reset, unknown;  always a harness error
 *     timed out                        write unknown, or failed when no byte had left
 *     ended with an error              no byte left: refused (tls in a handshake), failed;  else reset, unknown
 *     2xx, not our answer              wrong, unknown
 *     2xx, ours                        good or late, ok
 *     401 404 409 413 429              failed; 409 whose stored original is our write: ok
 *     503 stating not forwarded        failed
 *     every other status               unknown
 *
 * Not our answer: a wrong nonce or check, or a body that names another operation or key. A status is proof of nothing
 * when its nonce is not ours, so those writes stay unknown whatever the number. Reads have no effect to know of.
 */
#include "harness/load/outcome.h"

static bool proves_rejection(int status)
{
    return status == 401 || status == 404 || status == 409 || status == 413 || status == 429;
}

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

static struct outcome_ruling rule_broken(const struct exchange_answer *a)
{
    enum write_outcome effect = a->connected ? WRITE_UNKNOWN : WRITE_FAIL;
    uint8_t flags = a->connected ? 0 : SAMPLE_NO_CONNECT;
    if (a->local_error) {
        flags |= SAMPLE_HARNESS_ERROR;
        return (struct outcome_ruling){a->connected ? OUTCOME_RESET : OUTCOME_UNSENT, effect, flags};
    }
    if (a->timed_out) {
        return (struct outcome_ruling){OUTCOME_TIMEOUT, effect, flags};
    }
    enum outcome unsent = a->insecure ? OUTCOME_TLS : OUTCOME_REFUSED;
    return (struct outcome_ruling){a->connected ? OUTCOME_RESET : unsent, effect, flags};
}

static struct outcome_ruling rule_success(const struct exchange_answer *a, enum answer_content content, bool late)
{
    bool damaged = (a->has_nonce && !a->nonce_ok) || (a->has_check && !a->check_ok);
    if (damaged || content == CONTENT_FOREIGN) {
        return (struct outcome_ruling){OUTCOME_WRONG, WRITE_UNKNOWN, 0};
    }
    uint8_t flags = a->has_nonce && a->has_check ? 0 : SAMPLE_UNVERIFIED;
    return (struct outcome_ruling){late ? OUTCOME_LATE : OUTCOME_GOOD, WRITE_OK, flags};
}

static struct outcome_ruling rule_status(const struct exchange_answer *a, enum answer_content content)
{
    enum write_outcome effect = WRITE_UNKNOWN;
    bool ours = !a->has_nonce || a->nonce_ok;
    if (ours && a->status == 409 && content == CONTENT_OURS) {
        effect = WRITE_OK;
    } else if (ours && (proves_rejection(a->status) || (a->status == 503 && a->not_forwarded))) {
        effect = WRITE_FAIL;
    }
    return (struct outcome_ruling){OUTCOME_HTTP_STATUS, effect, 0};
}

struct outcome_ruling outcome_rule(const struct exchange_answer *a, bool is_write, enum answer_content content,
                                   int64_t latency_ns, int64_t timeout_ns)
{
    struct outcome_ruling r;
    if (a->code != 0 || a->local_error || a->timed_out || a->status == 0) {
        r = rule_broken(a);
    } else if (is_success(a->status)) {
        r = rule_success(a, content, latency_ns > timeout_ns);
    } else {
        r = rule_status(a, content);
    }
    r.write = is_write ? r.write : WRITE_NONE;
    r.flags |= a->reconnected ? SAMPLE_RECONNECTED : 0;
    r.flags |= a->queued ? SAMPLE_HARNESS_ERROR : 0;
    return r;
}

struct outcome_ruling outcome_unnamed(bool is_write)
{
    return (struct outcome_ruling){OUTCOME_REFUSED, is_write ? WRITE_FAIL : WRITE_NONE, SAMPLE_NO_CONNECT};
}

struct outcome_ruling outcome_unsent(bool is_write)
{
    return (struct outcome_ruling){OUTCOME_UNSENT, is_write ? WRITE_FAIL : WRITE_NONE,
                                   SAMPLE_HARNESS_ERROR | SAMPLE_NO_CONNECT};
}

bool outcome_blames_endpoint(enum outcome outcome, int status)
{
    bool unreachable = outcome == OUTCOME_REFUSED || outcome == OUTCOME_TLS || outcome == OUTCOME_RESET ||
                       outcome == OUTCOME_TIMEOUT;
    return unreachable || (outcome == OUTCOME_HTTP_STATUS && (status == 502 || status == 503 || status == 504));
}
