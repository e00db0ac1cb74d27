/* SPDX-License-Identifier: MIT */
/* Blocking and simple; the prober under test opens a connection per request, and answers take no time. */
#include "tests/unit/crosscheck/echo_server.h"

#include "harness/base/scoped.h"
#include "tests/unit/evidence/scratch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(int fd, const char *wanted)
{
    char request[2048], reply[256];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof(request) - 1 && (n = recv(fd, request + len, sizeof(request) - 1 - len, 0)) > 0) {
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    request[len] = '\0';
    const char *nonce = strstr(request, "X-DR-Nonce: ");
    int size = snprintf(reply, sizeof(reply), "HTTP/1.1 %s\r\nContent-Length: 2\r\nX-DR-Nonce: %.16s\r\n\r\n{}",
                        wanted && !strstr(request, wanted) ? "401 Unauthorized" : "200 OK", nonce ? nonce + 12 : "");
    (void)send(fd, reply, (size_t)size, MSG_NOSIGNAL);
}

static _Noreturn void serve(int listener, const char *wanted)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            _exit(1);
        answer(fd, wanted);
        close(fd);
    }
}

void echo_server_start(struct echo_server *s, const char *address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(at);
    int yes = 1;
    scoped_fd int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(inet_pton(AF_INET, address, &at.sin_addr) == 1);
    must(listener >= 0 && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0);
    must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 64) == 0);
    must(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    s->port = ntohs(at.sin_port);
    int side = child_fork(&s->process, NULL);
    must(side >= 0);
    if (side == 0)
        serve(listener, s->wanted);
}

void echo_server_kill(struct echo_server *s)
{
    child_stop(&s->process, 0, NULL);
}
