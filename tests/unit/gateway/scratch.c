/* SPDX-License-Identifier: MIT */
/* All ports are held until the last is found, so that none is given twice. */
#include "tests/unit/gateway/scratch.h"

#include "harness/base/scoped.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int scratch_folder(char *folder, size_t size, const char *name)
{
    (void)snprintf(folder, size, "/tmp/drtest-%s-XXXXXX", name);
    return mkdtemp(folder) ? 0 : -1;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int scratch_remove(const char *folder)
{
    return nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS);
}

int scratch_ports(int *ports, size_t n)
{
    if (n == 0)
        return 0;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return -1;
    ports[0] = ntohs(a.sin_port);
    return scratch_ports(ports + 1, n - 1);
}
