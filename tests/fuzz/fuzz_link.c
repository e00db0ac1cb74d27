/* SPDX-License-Identifier: MIT */
/* Datagrams between conductor and load process: u16 length (little-endian), then so many bytes, again and again. */
#include "harness/base/scoped.h"
#include "harness/load/link_frame.h"
#include "harness/load/surge.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t datagram(int fd, const uint8_t *data, size_t size)
{
    size_t len = data[0] | (size_t)data[1] << 8;
    len = len > size - 2 ? size - 2 : len;
    fuzz_must(send(fd, data + 2, len, MSG_DONTWAIT) == (ssize_t)len);
    return len + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    fuzz_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    scoped_fd int ours = ends[0], theirs = ends[1];
    for (int i = 0; i < 8 && size > 2; i++) {
        size_t used = datagram(theirs, data, size);
        struct link_frame f;
        enum link_news news = link_receive(ours, &f);
        fuzz_must(news != LINK_NOTHING);
        struct surge_tally tally = {0};
        if (news == LINK_FRAME && !surge_tally_read(&tally, f.text))
            fuzz_must(tally.planned == 0 && tally.reopened == 0);
        if (news == LINK_FRAME)
            fuzz_must(f.word >= LINK_START && f.word <= LINK_FAILED && strlen(f.text) < sizeof(f.text));
        data += used;
        size -= used;
    }
    return 0;
}
