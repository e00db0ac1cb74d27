/* SPDX-License-Identifier: MIT */
/* The two ends are made before the fork; each side closes the other's on its way out, and nobody has both. */
#include "harness/run/client.h"
#include "harness/base/scoped.h"
#include <errno.h>
#include <sys/socket.h>

int client_fork(struct drill *d, uint16_t vantage, struct child *process, int *channel, struct err *e)
{
    const struct topo_site *site = &d->plan->topology->sites[vantage];
    int pair[2];
    *channel = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_os(e, ERR_RUN, errno, site->name, "cannot make a control channel to a process of its clients");
    scoped_fd int ours = pair[0], theirs = pair[1];
    int side = d->ops->client_fork(d->lab, site->first_node, process, e);
    if (side >= 0)
        *channel = steal_fd(side == 0 ? &theirs : &ours);
    return side;
}
