/* SPDX-License-Identifier: MIT */
/*
 * The least that libcurl can do: the same reads, at the same instants, on kept-alive connections, by curl_multi_poll(3)
 * and curl_multi_perform(3). An easy handle is made once and used again. No answer is judged, nothing is written down,
 * no request has a name: what this costs is libcurl's and the kernel's, not ours.
 */
#include "bench/slip.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { HANDLES_MAX = 4096, TURN_MS = 1000 };

struct bare_client {
    CURLM *multi;
    CURL *idle[HANDLES_MAX];
    size_t idle_count, made;
    char url[64];
    int timer_fd;
};

static size_t swallow(const char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes, (void)arg;
    return size * count;
}

static CURL *take(struct bare_client *c)
{
    if (c->idle_count > 0) {
        return c->idle[--c->idle_count];
    }
    CURL *easy = c->made < HANDLES_MAX ? curl_easy_init() : NULL;
    if (easy) {
        c->made++;
        curl_easy_setopt(easy, CURLOPT_URL, c->url);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 1000L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    }
    return easy;
}

static void collect(struct bare_client *c, struct slip_side *out)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        CURL *easy = m->easy_handle;
        out->count++;
        out->bad += m->data.result != CURLE_OK;
        curl_multi_remove_handle(c->multi, easy);
        c->idle[c->idle_count++] = easy;
    }
}

static int send_due(struct bare_client *c, const struct slip_order *o, int64_t *k, struct slip_side *out)
{
    int64_t rate = slip_rate(&o->mix), interval_ns = NS_PER_S / rate, now = clock_mono_ns();
    for (; *k < rate * o->seconds && o->start_ns + *k * interval_ns <= now; ++*k) {
        CURL *easy = take(c);
        if (easy) {
            curl_multi_add_handle(c->multi, easy);
        } else {
            out->unsent++;
        }
    }
    int64_t next = *k < rate * o->seconds ? o->start_ns + *k * interval_ns : now + NS_PER_S;
    struct itimerspec at = {.it_value = {.tv_sec = next / NS_PER_S, .tv_nsec = next % NS_PER_S}};
    return timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static int drive(struct bare_client *c, const struct slip_order *o, struct slip_side *out)
{
    struct slip_meter meter = {0};
    slip_meter_read(&meter, out);
    int64_t all = slip_rate(&o->mix) * o->seconds, give_up_ns = o->start_ns + (o->seconds + 3) * NS_PER_S;
    for (int64_t k = 0; out->count + out->unsent < (uint64_t)all && clock_mono_ns() < give_up_ns;) {
        struct curl_waitfd extra = {.fd = c->timer_fd, .events = CURL_WAIT_POLLIN};
        int running;
        if (send_due(c, o, &k, out) != 0 || curl_multi_perform(c->multi, &running) != CURLM_OK) {
            return -1;
        }
        collect(c, out);
        curl_multi_poll(c->multi, &extra, 1, TURN_MS, NULL);
    }
    slip_meter_read(&meter, out);
    return 0;
}

void slip_curl(const struct slip_order *o, struct slip_side *out)
{
    struct bare_client *c = xcalloc(1, sizeof(*c));
    snprintf(c->url, sizeof(c->url), "http://127.0.0.1:%u/v1/orders?key=k7", (unsigned)o->port);
    c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    c->multi = curl_multi_init();
    if (c->timer_fd < 0 || !c->multi) {
        err_os(&out->e, ERR_MACHINE, errno, "libcurl", "cannot start");
        return;
    }
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 2L * HANDLES_MAX);
    out->done = drive(c, o, out) == 0;
    for (size_t i = 0; i < c->idle_count; i++) {
        curl_easy_cleanup(c->idle[i]);
    }
    curl_multi_cleanup(c->multi);
    fd_close(&c->timer_fd);
    free(c);
}
