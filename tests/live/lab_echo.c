/* SPDX-License-Identifier: MIT */
/*
 * The smallest program that can stand in for a node: HTTP on the `listen` and `admin` ports of its configuration, every
 * request answered with {"node": ..., "config": <fingerprint of the running configuration>}. SIGHUP reads the
 * configuration again. One request per connection, one connection at a time, a second of patience.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t again = 1;

static void on_hangup(int sig)
{
    (void)sig;
    again = 1;
}

static int listen_at(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 64) != 0) {
        return -1;
    }
    return fd;
}

static void answer(int listener, const char *body)
{
    scoped_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char request[4096];
    if (fd < 0 || poll(&p, 1, 1000) != 1 || recv(fd, request, sizeof(request), 0) <= 0) {
        return;
    }
    scoped_text struct text out = {0};
    text_addf(&out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
              body);
    if (send(fd, text_str(&out), out.len, MSG_NOSIGNAL) > 0) {
        shutdown(fd, SHUT_WR);
    }
}

static json_t *read_config(const char *path)
{
    struct err e = {0};
    scoped_text struct text bytes = {0};
    return text_read_file(&bytes, path, 1 << 20, &e) != 0 ? NULL : json_read(text_str(&bytes), bytes.len, path, &e);
}

static void describe(const json_t *config, struct text *body)
{
    char fingerprint[SHA256_HEX];
    json_fingerprint(config, fingerprint);
    text_clear(body);
    text_addf(body, "{\"node\":\"%s\",\"config\":\"%s\"}", json_string_value(json_object_get(config, "node")),
              fingerprint);
}

int main(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "--config") != 0) {
        return 2;
    }
    struct sigaction hangup = {.sa_handler = on_hangup};
    sigaction(SIGHUP, &hangup, NULL);
    scoped_json json_t *first = read_config(argv[2]);
    struct pollfd ports[2] = {{.events = POLLIN}, {.events = POLLIN}};
    ports[0].fd = listen_at((uint16_t)json_integer_value(json_object_get(first, "listen")));
    ports[1].fd = listen_at((uint16_t)json_integer_value(json_object_get(first, "admin")));
    scoped_text struct text body = {0};
    while (ports[0].fd >= 0 && ports[1].fd >= 0) {
        if (again) {
            again = 0;
            scoped_json json_t *config = read_config(argv[2]);
            describe(config ? config : first, &body);
        }
        int n = poll(ports, 2, -1);
        for (int i = 0; n > 0 && i < 2; i++) {
            if (ports[i].revents & POLLIN) {
                answer(ports[i].fd, text_str(&body));
            }
        }
    }
    return 1;
}
