/* SPDX-License-Identifier: MIT */
/*
 * Unplugging: the device by which a path leaves its router goes down, and up again.
 *
 * A router whose device is down knows it: its routes by the device are gone and senders get an answer at once, which is
 * why this is no partition. What the kernel forgets with it is kept before the device goes down, and dropped from
 * memory only when the device is up and all of it has been seen to be there again; until then putting back may be
 * repeated.
 *
 * Queues, filters and addresses stay with a device that is down. The other end of a plain link loses its carrier;
 * that of a wired link, which ends in the middle, does not, so a whole link is unplugged at both ends.
 */
#include "harness/lab/netns.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"

static struct netlink *router_of(const struct netns_lab *l, uint16_t path)
{
    return l->routers[path_from(l->topo, path)].nl;
}

int netns_plug_read(struct netns_lab *l, uint16_t path, bool *down, struct err *e)
{
    bool up;
    int rc = netlink_is_up(router_of(l, path), l->mesh[path].index, &up, e);
    *down = rc == 0 && !up;
    return rc;
}

static int take_down(struct netns_lab *l, uint16_t path, struct err *e)
{
    struct mesh_end *m = &l->mesh[path];
    struct netlink *nl = router_of(l, path);
    if (!m->kept && netlink_keep(nl, m->index, &m->kept, e) != 0) {
        return -1;
    }
    netlink_down(nl, m->index);
    return netlink_flush(nl, e);
}

static int bring_up(struct netns_lab *l, uint16_t path, struct err *e)
{
    struct mesh_end *m = &l->mesh[path];
    struct netlink *nl = router_of(l, path);
    bool there = false;
    netlink_up(nl, m->index);
    if (netlink_flush(nl, e) != 0 || netlink_put_back(nl, m->kept, e) != 0 ||
        netlink_kept_there(nl, m->kept, &there, e) != 0) {
        return -1;
    }
    if (!there) {
        return err_set(e, ERR_RUN, m->name, "it is up, but not all of its routes and neighbours are back");
    }
    netlink_kept_free(steal(&m->kept));
    return 0;
}

int netns_plug_drive(struct netns_lab *l, uint16_t path, bool down, struct err *e)
{
    bool is_down;
    if (netns_plug_read(l, path, &is_down, e) != 0) {
        return -1;
    }
    if (down ? is_down : !l->mesh[path].kept) {
        return 0;
    }
    if ((down ? take_down(l, path, e) : bring_up(l, path, e)) != 0 || netns_plug_read(l, path, &is_down, e) != 0) {
        return -1;
    }
    return is_down == down ? 0 : err_set(e, ERR_RUN, l->mesh[path].name, "it was acknowledged but did not go %s",
                                         down ? "down" : "up");
}
