/* SPDX-License-Identifier: MIT */
/*
 * One loop sends when it is time to and takes what has come in between; the time of arrival is read once per wake-up,
 * before the datagrams are taken, since a reading costs 80 us on User-Mode Linux. A wake-up that comes late shows that
 * the machine stood still: what is taken then may have arrived earlier, or been let go late, and is marked.
 *
 * Datagrams carry their index and a pattern made from it, the index twice and one time inverted.
 */
#include "tests/live/flight.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define STOOD_STILL_NS (2 * NS_PER_MS)
#define TAKEN_MAX 64
#define NAP_NS (2 * NS_PER_MS) /* the longest that a standstill stays unseen */

static void compose(unsigned char *bytes, size_t len, int index)
{
    uint32_t number = (uint32_t)index, mark = ~number;
    memcpy(bytes, &number, sizeof(number));
    memcpy(bytes + sizeof(number), &mark, sizeof(mark));
    for (size_t i = FLIGHT_BYTES_MIN; i < len; i++) {
        bytes[i] = (unsigned char)((size_t)index + i);
    }
}

/* The index is told twice, so that one flipped bit leaves one of them whole. */
static int index_of(const unsigned char *bytes, int n)
{
    uint32_t number, mark;
    memcpy(&number, bytes, sizeof(number));
    memcpy(&mark, bytes + sizeof(number), sizeof(mark));
    return number < (uint32_t)n ? (int)number : ~mark < (uint32_t)n ? (int)~mark : -1;
}

/* The clock is read again at the end: what arrives while this very loop stands still would seem to have come before. */
static void take(int fd, size_t len, int64_t due_ns, int *place, struct flight *flights, int n)
{
    unsigned char got[FLIGHT_BYTES_MAX + 1], wanted[FLIGHT_BYTES_MAX];
    int taken[TAKEN_MAX], count = 0;
    int64_t now = clock_mono_ns();
    ssize_t size;
    while (count < TAKEN_MAX && (size = recv(fd, got, sizeof(got), MSG_DONTWAIT)) >= 0) {
        int i = (size_t)size == len ? index_of(got, n) : -1;
        if (i >= 0 && flights[i].copies++ == 0) {
            compose(wanted, len, i);
            flights[i].taken_ns = now - flights[i].sent_ns;
            flights[i].damaged = memcmp(got, wanted, len) != 0;
            flights[i].place = (*place)++;
            taken[count++] = i;
        }
    }
    bool still = now > due_ns + STOOD_STILL_NS || (count > 0 && clock_mono_ns() > now + STOOD_STILL_NS);
    for (int k = 0; k < count; k++) {
        flights[taken[k]].disturbed = still;
    }
}

static void wait_until(int fd, int64_t due_ns, size_t len, int *place, struct flight *flights, int n)
{
    for (int64_t left; (left = due_ns - clock_mono_ns()) > 0;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t nap = left < NAP_NS ? left : NAP_NS;
        struct timespec t = {.tv_nsec = (long)nap};
        if (ppoll(&p, 1, &t, NULL) > 0) {
            take(fd, len, due_ns - left + nap, place, flights, n);
        }
    }
    take(fd, len, due_ns, place, flights, n);
}

int flight_watch(struct lab *lab, const struct flight_plan *plan, struct flight *flights, int n, struct err *e)
{
    scoped_fd int out = -1, in = -1;
    if (lab->ops->path_sockets(lab, plan->path, 0, &out, &in, e) != 0) {
        return -1;
    }
    int room = 4 << 20, off = 1, place = 0;
    setsockopt(in, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    if (plan->unchecked && setsockopt(out, SOL_SOCKET, SO_NO_CHECK, &off, sizeof(off)) != 0) {
        return err_os(e, ERR_RUN, errno, "flight", "cannot switch checksums off");
    }
    unsigned char bytes[FLIGHT_BYTES_MAX];
    size_t len = plan->bytes ? plan->bytes : FLIGHT_BYTES_MIN;
    for (int i = 0; i < n; i++) {
        wait_until(in, i > 0 ? flights[i - 1].sent_ns + plan->gap_ns : 0, len, &place, flights, i);
        compose(bytes, len, i);
        flights[i] = (struct flight){.sent_ns = clock_mono_ns(), .taken_ns = -1};
        if (send(out, bytes, len, 0) != (ssize_t)len) {
            return err_os(e, ERR_RUN, errno, "flight", "cannot send");
        }
    }
    wait_until(in, clock_mono_ns() + plan->tail_ns, len, &place, flights, n);
    return 0;
}

int flight_arrived(const struct flight *flights, int n)
{
    int arrived = 0;
    for (int i = 0; i < n; i++) {
        arrived += flights[i].copies > 0;
    }
    return arrived;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t flight_median_ns(const struct flight *flights, int n)
{
    scoped_free int64_t *taken = xcalloc((size_t)n + 1, sizeof(*taken));
    size_t arrived = 0;
    for (int i = 0; i < n; i++) {
        if (flights[i].copies > 0 && !flights[i].disturbed) {
            taken[arrived++] = flights[i].taken_ns;
        }
    }
    qsort(taken, arrived, sizeof(*taken), by_size);
    return arrived ? taken[arrived / 2] : -1;
}
