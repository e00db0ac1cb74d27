/* SPDX-License-Identifier: MIT */
#include "tests/live/inside.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/netns.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int inside_socket(struct lab *lab, uint16_t node)
{
    struct err e = {0};
    struct netns_lab *l = netns_of(lab);
    return netns_socket(l, l->nodes[node].fd, SOCK_STREAM, &e);
}

struct sockaddr_in inside_address(struct lab *lab, uint16_t node)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(TOPO_PORT_HTTP),
                                .sin_addr = {htonl(netns_address(netns_of(lab), node))}};
}

pid_t inside_pid(struct lab *lab, uint16_t node)
{
    return netns_of(lab)->runs[node].process.pid;
}

int64_t inside_processor_ns(struct lab *lab, uint16_t node)
{
    char path[64], line[512] = "";
    long user = 0, kernel = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)inside_pid(lab, node));
    scoped_file FILE *f = fopen(path, "re");
    if (f && fgets(line, sizeof(line), f) && strrchr(line, ')')) {
        sscanf(strrchr(line, ')') + 2, "%*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld", &user, &kernel);
    }
    return (user + kernel) * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

int inside_ask(struct lab *lab, uint16_t from, uint16_t to, const char *request, int patience_ms)
{
    const struct sockaddr_in at = inside_address(lab, to);
    scoped_fd int fd = inside_socket(lab, from);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    char answer[512];
    int status = 0;
    (void)connect(fd, (const struct sockaddr *)&at, sizeof(at));
    if (poll(&p, 1, patience_ms) != 1 || send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
        return 0;
    }
    p.events = POLLIN;
    ssize_t n = poll(&p, 1, patience_ms) == 1 ? recv(fd, answer, sizeof(answer) - 1, 0) : 0;
    answer[n > 0 ? n : 0] = '\0';
    return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

int inside_get(struct lab *lab, uint16_t from, uint16_t to, const char *target, int patience_ms)
{
    char request[256];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
    return inside_ask(lab, from, to, request, patience_ms);
}

int inside_write_order(struct lab *lab, uint16_t from, uint16_t to, int patience_ms)
{
    static unsigned number;
    char request[512], body[128];
    number++;
    snprintf(body, sizeof(body), "{\"op\":\"op-%u\",\"key\":\"k%u\",\"value\":\"v%u\"}", number, number % 50, number);
    snprintf(request, sizeof(request),
             "POST /v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: %d-%u\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             (int)getpid(), number, strlen(body), body);
    return inside_ask(lab, from, to, request, patience_ms);
}
