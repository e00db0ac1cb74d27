/* SPDX-License-Identifier: MIT */
/*
 * Frames come through a TPACKET_V2 ring and not by recvmmsg(2): a socket's receive buffer is bounded by rmem_max, some
 * 300 frames, and an ordinary user may not enlarge it; a stall of twenty milliseconds at 20,000 packets a second fills
 * that. The ring is plain memory, has room for RING_FRAMES, and carries the kernel's own time of arrival, so that a
 * wire that was woken late still delays from the right instant. Blocks of frames (TPACKET_V3) would be handed over only
 * when full or after milliseconds.
 *
 * PACKET_IGNORE_OUTGOING keeps what we send from coming back to us. The network namespace has no addresses: its
 * stack sees the frames too, finds that they are for somebody else, and drops them.
 *
 * Sending is by a second socket with protocol 0, which receives nothing. A frame that the kernel refuses (a device that
 * is going away, no memory) is skipped, never waited for: the caller counts what was not taken.
 */
#include "harness/lab/wire_ring.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define FRAME_BYTES 2048u
#define BLOCK_BYTES 65536u
#define RING_FRAMES 8192u
#define RING_BYTES ((size_t)RING_FRAMES * FRAME_BYTES)

struct wire_ring {
    int in, out;
    unsigned char *frames;
    unsigned next;
    uint64_t missed;
};

static int option(int fd, int name, const void *value, size_t len, const char *what, struct err *e)
{
    return setsockopt(fd, SOL_PACKET, name, value, (socklen_t)len) == 0
               ? 0
               : err_os(e, ERR_MACHINE, errno, "wire", "the kernel refuses a packet socket's %s", what);
}

static int map_ring(struct wire_ring *r, struct err *e)
{
    const int version = TPACKET_V2, one = 1;
    const struct tpacket_req size = {.tp_block_size = BLOCK_BYTES,
                                     .tp_block_nr = (unsigned)(RING_BYTES / BLOCK_BYTES),
                                     .tp_frame_size = FRAME_BYTES,
                                     .tp_frame_nr = RING_FRAMES};
    if (option(r->in, PACKET_VERSION, &version, sizeof(version), "ring version", e) != 0 ||
        option(r->in, PACKET_IGNORE_OUTGOING, &one, sizeof(one), "deafness to itself", e) != 0 ||
        option(r->in, PACKET_RX_RING, &size, sizeof(size), "ring", e) != 0) {
        return -1;
    }
    void *frames = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->in, 0);
    if (frames == MAP_FAILED) {
        return err_os(e, ERR_MACHINE, errno, "wire", "cannot map the ring of a packet socket");
    }
    r->frames = frames;
    return 0;
}

int wire_ring_open(struct wire_ring **out, struct err *e)
{
    struct wire_ring *r = xcalloc(1, sizeof(*r));
    const struct sockaddr_ll every = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    r->in = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* deaf until bound */
    r->out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc =
        r->in < 0 || r->out < 0 ? err_os(e, ERR_MACHINE, errno, "wire", "cannot make a packet socket") : map_ring(r, e);
    if (rc == 0 && bind(r->in, (const struct sockaddr *)&every, sizeof(every)) != 0) {
        rc = err_os(e, ERR_MACHINE, errno, "wire", "cannot bind a packet socket");
    }
    if (rc != 0) {
        wire_ring_free(r);
        return -1;
    }
    *out = r;
    return 0;
}

void wire_ring_free(struct wire_ring *r)
{
    if (!r) {
        return;
    }
    if (r->frames) {
        munmap(r->frames, RING_BYTES);
    }
    fd_close(&r->in);
    fd_close(&r->out);
    free(r);
}

int wire_ring_fd(const struct wire_ring *r)
{
    return r->in;
}

static struct tpacket2_hdr *head(const struct wire_ring *r)
{
    return (struct tpacket2_hdr *)(void *)(r->frames + (size_t)r->next * FRAME_BYTES);
}

bool wire_ring_next(struct wire_ring *r, struct wire_frame *f)
{
    struct tpacket2_hdr *h = head(r);
    uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER)) {
        return false;
    }
    _Static_assert(sizeof(*h) % TPACKET_ALIGNMENT == 0, "the address follows the header without a gap");
    const unsigned char *frame = (const unsigned char *)h;
    const struct sockaddr_ll *from = (const void *)(h + 1);
    size_t room = h->tp_mac < FRAME_BYTES ? FRAME_BYTES - h->tp_mac : 0;
    *f = (struct wire_frame){
        .index = from->sll_ifindex,
        .bytes = frame + (room ? h->tp_mac : 0),
        .len = h->tp_snaplen < room ? h->tp_snaplen : room,
        .whole = h->tp_snaplen == h->tp_len && h->tp_snaplen <= room && !(status & TP_STATUS_CSUMNOTREADY),
        .wall_ns = (int64_t)h->tp_sec * NS_PER_S + (int64_t)h->tp_nsec,
    };
    return true;
}

void wire_ring_done(struct wire_ring *r)
{
    __atomic_store_n(&head(r)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    r->next = (r->next + 1) % RING_FRAMES;
}

uint64_t wire_ring_missed(struct wire_ring *r)
{
    struct tpacket_stats since = {0}; /* reading them sets them back */
    socklen_t len = sizeof(since);
    if (getsockopt(r->in, SOL_PACKET, PACKET_STATISTICS, &since, &len) == 0) {
        r->missed += since.tp_drops;
    }
    return r->missed;
}

void wire_ring_send(struct wire_ring *r, struct wire_parcel *parcels, size_t n)
{
    struct mmsghdr messages[WIRE_BATCH];
    struct iovec bytes[WIRE_BATCH];
    struct sockaddr_ll to[WIRE_BATCH];
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (struct iovec){.iov_base = parcels[i].bytes, .iov_len = parcels[i].len};
        to[i] = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = parcels[i].index};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &to[i], .msg_namelen = sizeof(to[i]),
                                                   .msg_iov = &bytes[i], .msg_iovlen = 1}};
        parcels[i].taken = false;
    }
    for (size_t at = 0; at < n;) {
        int sent = sendmmsg(r->out, messages + at, (unsigned)(n - at), MSG_DONTWAIT);
        for (int i = 0; i < sent; i++) {
            parcels[at++].taken = true;
        }
        if (sent <= 0 && errno != EINTR) {
            at++;
        }
    }
}
