/* SPDX-License-Identifier: MIT */
/*
 * The second prober as a process: opens itself, says that it is ready, obeys the two words there are, ends in order.
 *
 * It ends when the conductor's end of the socket closes, on purpose or by the conductor's death; signals of the
 * terminal are ignored, since the conductor decides. What goes wrong is told as one datagram of text and is the end of
 * it: a prober that cannot write its record has nothing left to do.
 */
#include "harness/base/err.h"
#include "harness/crosscheck/prober.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void ignore_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        sigaction(ignored[i], &ignore, NULL);
    }
}

static _Noreturn void give_up(int fd, const struct err *e)
{
    char text[CROSS_FAILURE_MAX];
    snprintf(text, sizeof(text), "%.120s: %.180s%s%.80s", e->at, e->msg, e->help[0] ? "; " : "", e->help);
    send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    _exit(EXIT_FAILURE);
}

/* One word of the conductor's, or the end of the conversation. */
static void obey(struct cross_prober *p, int fd)
{
    int64_t start;
    ssize_t n = recv(fd, &start, sizeof(start), MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n == (ssize_t)sizeof(start) && p->first_ns == 0) {
        cross_prober_start(p, start);
        return;
    }
    cross_prober_stop(p);
    cross_prober_unwatch(p, fd);
}

_Noreturn void cross_main(const struct cross_config *c, int fd)
{
    static struct cross_prober p;
    struct err e = {0};
    bool watched = false;
    char ready = CROSS_READY;
    ignore_signals();
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    if (cross_prober_open(&p, c, &e) != 0 || cross_prober_watch(&p, fd, &e) != 0) {
        give_up(fd, &e);
    }
    send(fd, &ready, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (cross_prober_turn(&p, &watched, &e)) {
        if (watched) {
            obey(&p, fd);
        }
        if (e.kind != ERR_NONE) {
            give_up(fd, &e);
        }
    }
    if (e.kind != ERR_NONE) {
        give_up(fd, &e);
    }
    cross_prober_close(&p);
    _exit(EXIT_SUCCESS);
}
