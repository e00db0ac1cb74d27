/* SPDX-License-Identifier: MIT */
/*
 * The smallest system a drill could ask: one drgateway as gateway, one as origin with a store of its own, no peers, no
 * witness, on ports of 127.0.0.1 that were free a moment ago.
 */
#include "bench/echo.h"
#include "bench/slip.h"

#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY_NS (10 * NS_PER_S)

static const char gateway_json[] =
    "{\"node\":\"here/1\",\"role\":\"gateway\",\"region\":\"here\",\"listen\":%u,\"admin\":%u,\"flaws\":[],"
    "\"routes\":{\"orders\":{\"host\":\"*\",\"path\":\"/v1/\",\"upstream\":\"pool:orders\"}},"
    "\"pools\":{\"orders\":{\"policy\":\"round_robin\",\"regions\":[\"here\"],\"members\":[{\"name\":\"here/origin-1\","
    "\"region\":\"here\",\"address\":\"127.0.0.1\",\"port\":%u}],\"check\":{\"path\":\"/healthz\",\"every_ms\":250,"
    "\"timeout_ms\":200,\"unhealthy_after\":3,\"healthy_after\":1},\"passive\":{\"failures\":5,\"eject_ms\":2000},"
    "\"connect_ms\":250,\"try_ms\":600,\"total_ms\":950,\"retries\":2}},"
    "\"drift\":{\"check_ms\":1000,\"policy\":\"alert\",\"revert_after_ms\":2000}}";
static const char origin_json[] =
    "{\"node\":\"here/origin-1\",\"role\":\"origin\",\"region\":\"here\",\"listen\":%u,\"admin\":%u,\"flaws\":[],"
    "\"store\":{\"mode\":\"async\",\"every_ms\":200,\"port\":%u,\"home\":true,\"peers\":[]}}";

void slip_meter_read(struct slip_meter *m, struct slip_side *out)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    int64_t user = (int64_t)u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec;
    int64_t system = (int64_t)u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec;
    if (m->running) {
        out->user_us += (double)(user - m->user_us);
        out->system_us += (double)(system - m->system_us);
    }
    *m = (struct slip_meter){user, system, true};
}

static void give_up(const char *what)
{
    struct err e = {0};
    err_os(&e, ERR_MACHINE, errno, what, "the bundled gateway could not be started");
    bench_fail(&e, "slip");
}

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        give_up("ports");
    }
    return ntohs(at.sin_port);
}

static int stay(void *cpu)
{
    slip_pin(*(int *)cpu);
    return 0;
}

static void start(struct child *c, const char *program, const char *folder, const char *name, const char *config,
                  int cpu)
{
    char path[400], data[400], log[400];
    struct err e = {0};
    snprintf(path, sizeof(path), "%s/%s.json", folder, name);
    snprintf(data, sizeof(data), "%s/%s.data", folder, name);
    snprintf(log, sizeof(log), "%s/%s.log", folder, name);
    const char *const argv[] = {program, "--config", path, "--data", data, NULL};
    scoped_fd int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || mkdir(data, 0700) != 0 || file_replace(path, config, strlen(config), &e) != 0) {
        give_up(name);
    }
    if (child_exec(c, argv, NULL, fd, stay, &cpu, &e) != 0) {
        bench_fail(&e, "slip");
    }
}

void slip_system_start(struct slip_system *s, const char *program, const char *folder, int cpu)
{
    scoped_text struct text gateway = {0}, origin = {0};
    uint16_t origin_port = free_port();
    s->port = free_port();
    text_addf(&origin, origin_json, origin_port, free_port(), free_port());
    text_addf(&gateway, gateway_json, s->port, free_port(), origin_port);
    start(&s->origin, program, folder, "origin", text_str(&origin), cpu);
    start(&s->gateway, program, folder, "gateway", text_str(&gateway), cpu);
    int64_t until_ns = clock_mono_ns() + READY_NS;
    while (!echo_answers(s->port, "/v1/orders?key=k1")) {
        if (child_dead(&s->gateway) || child_dead(&s->origin) || clock_mono_ns() > until_ns) {
            errno = ETIME;
            give_up("drgateway");
        }
        poll(NULL, 0, 20);
    }
}

void slip_system_stop(struct slip_system *s)
{
    child_stop(&s->gateway, 0, NULL);
    child_stop(&s->origin, 0, NULL);
}
