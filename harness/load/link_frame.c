/* SPDX-License-Identifier: MIT */
/*
 * Both ends run the same program, yet what arrives is checked like any input: size, word, and a text that ends.
 * MSG_TRUNC makes recv(2) tell the true length, so a datagram that is too long is seen as such.
 */
#include "harness/load/link_frame.h"

#include "harness/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int link_send(int fd, enum link_word word, int64_t number, const char *text, struct err *e)
{
    struct link_frame f = {.word = (uint32_t)word, .number = number};
    if (text) {
        snprintf(f.text, sizeof(f.text), "%s", text);
    }
    ssize_t n;
    do {
        n = send(fd, &f, sizeof(f), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(f)) {
        return err_os(e, ERR_RUN, n < 0 ? errno : EIO, "load process", "cannot be told anything");
    }
    return 0;
}

enum link_news link_receive(int fd, struct link_frame *f)
{
    ssize_t n;
    do {
        n = recv(fd, f, sizeof(*f), MSG_DONTWAIT | MSG_TRUNC);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN ? LINK_NOTHING : LINK_CLOSED;
    }
    if (n == 0) {
        return LINK_CLOSED;
    }
    bool whole = n == (ssize_t)sizeof(*f) && f->word >= LINK_START && f->word <= LINK_FAILED;
    return whole && memchr(f->text, '\0', sizeof(f->text)) ? LINK_FRAME : LINK_BROKEN;
}

enum link_news link_take_all(int fd, void (*take)(void *arg, const struct link_frame *f), void *arg)
{
    for (;;) {
        struct link_frame f;
        enum link_news news = link_receive(fd, &f);
        if (news != LINK_FRAME) {
            return news;
        }
        take(arg, &f);
    }
}
