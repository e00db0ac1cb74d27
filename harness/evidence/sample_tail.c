/* SPDX-License-Identifier: MIT */
/*
 * Follows samples.bin by position. Workers append whole records, so what is behind the last whole one is either
 * nothing or the beginning of a record that the next call will find complete. The header must be there before the
 * tail is opened. Nothing here waits: no new records is an answer.
 */
#include "harness/evidence/evidence_read.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/evidence/sample_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct sample_tail {
    int fd;
    off_t at;
    char path[512];
};

int sample_tail_open(struct sample_tail **t, const char *run_path, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/samples.bin", run_path);
    scoped_fd int fd = open(text_str(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_os(e, ERR_READING, errno, text_str(&path), "cannot open the file");
    }
    char header[SAMPLE_SIZE];
    if (pread(fd, header, sizeof(header), 0) != SAMPLE_SIZE || !sample_header_is_ours(header)) {
        return err_set(e, ERR_READING, text_str(&path), "this is not a file of requests of format %d", SAMPLE_VERSION);
    }
    struct sample_tail *made = xcalloc(1, sizeof(*made));
    snprintf(made->path, sizeof(made->path), "%s", text_str(&path));
    made->fd = steal_fd(&fd);
    made->at = SAMPLE_SIZE;
    *t = made;
    return 0;
}

int sample_tail_read(struct sample_tail *t, struct sample *out, size_t max, size_t *got, struct err *e)
{
    *got = 0;
    ssize_t n = pread(t->fd, out, max * sizeof(*out), t->at);
    if (n < 0) {
        return errno == EINTR ? 0 : err_os(e, ERR_READING, errno, t->path, "cannot read the file");
    }
    size_t whole = (size_t)n / sizeof(*out);
    for (size_t i = 0; i < whole; i++) {
        if (!sample_is_sound(&out[i])) {
            return err_set(e, ERR_READING, t->path, "the record at byte %lld is not one",
                           (long long)t->at + (long long)(i * sizeof(*out)));
        }
    }
    t->at += (off_t)(whole * sizeof(*out));
    *got = whole;
    return 0;
}

void sample_tail_close(struct sample_tail *t)
{
    if (!t) {
        return;
    }
    fd_close(&t->fd);
    free(t);
}
