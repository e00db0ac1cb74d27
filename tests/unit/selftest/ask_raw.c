/* SPDX-License-Identifier: MIT */
/* Nothing of libcurl nor of the loop: the servers are to be judged by a stranger. */
#include "tests/unit/selftest/ask_raw.h"

#include "harness/base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

int raw_send(const char *address, uint16_t port, const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &to.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        return -1;
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    return steal_fd(&fd);
}

enum raw raw_take(int fd, int timeout_ms, char *text, unsigned long size)
{
    scoped_fd int mine = fd;
    size_t len = 0;
    *text = '\0';
    for (;;) {
        struct pollfd p = {.fd = mine, .events = POLLIN};
        if (poll(&p, 1, timeout_ms) != 1)
            return RAW_SILENT;
        ssize_t got = recv(mine, text + len, size - 1 - len, 0);
        if (got < 0)
            return errno == ECONNRESET ? RAW_RESET : RAW_CLOSED;
        if (got == 0)
            return len ? RAW_ANSWER : RAW_CLOSED;
        len += (size_t)got;
        text[len] = '\0';
    }
}

enum raw raw_ask(const char *address, uint16_t port, const char *request, int timeout_ms, char *text,
                 unsigned long size)
{
    int fd = raw_send(address, port, request);
    return fd < 0 ? errno == ECONNRESET ? RAW_RESET : RAW_REFUSED : raw_take(fd, timeout_ms, text, size);
}
