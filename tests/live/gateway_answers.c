/* SPDX-License-Identifier: MIT */
/*
 * What every answer of a gateway has in common, whoever made it: framing by the method asked. On loopback, real
 * processes.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 3000

static struct stage stage;
static char heard[8192];

/* Gather in `heard` what comes until it has this, or, NULL, until the other side closes. */
static void hear(int fd, const char *what)
{
    size_t len = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    heard[0] = '\0';
    while (what == NULL || strstr(heard, what) == NULL) {
        check(poll(&p, 1, PATIENCE_MS) == 1 && len < sizeof(heard) - 1);
        ssize_t n = recv(fd, heard + len, sizeof(heard) - 1 - len, 0);
        if (n <= 0 && what == NULL)
            return;
        check(n > 0);
        len += (size_t)n;
        heard[len] = '\0';
    }
}

static void say(int fd, const char *bytes)
{
    check(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) == (ssize_t)strlen(bytes));
}

static bool heard_says(const char *line)
{
    return strcasestr(heard, line) != NULL;
}

/* Everything that comes of one request. */
static const char *asked(enum stage_node gate, const char *method, const char *target)
{
    char request[256];
    scoped_fd int fd = stage_dial(stage_port(&stage, gate));
    (void)snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", method, target);
    say(fd, request);
    hear(fd, NULL);
    return heard;
}

/* What HEAD says of a body is what GET says, and what the origin says. */
static void head_tells_the_length(void)
{
    check(strstr(asked(GATE_US, "GET", "/bytes/321"), "200 OK") && heard_says("\r\nContent-Length: 321\r\n"));
    check(strstr(asked(GATE_US, "HEAD", "/bytes/321"), "200 OK") && heard_says("\r\nContent-Length: 321\r\n"));
    check(strcmp(strstr(heard, "\r\n\r\n"), "\r\n\r\n") == 0);
}

static json_t *routes(void)
{
    return json_pack("{s:{s:{s:s, s:s}}}", "routes", "bytes", "path", "/bytes/", "upstream", "pool:orders");
}

int main(int argc, char **argv)
{
    check(argc == 2);
    stage_open(&stage, argv[1], (struct stage_wish){.every_ms = 100});
    stage_change(&stage, GATE_US, routes());
    head_tells_the_length();
    stage_close(&stage);
    return 0;
}
