/* SPDX-License-Identifier: MIT */
/*
 * A line is printed behind the check of the line before it, CRC-32C is taken over both, and the line alone goes into
 * the buffer with the new check at its end. A full buffer is written at once; otherwise the owner flushes now and then.
 */
#include "harness/crosscheck/book.h"

#include "harness/base/scoped.h"
#include "harness/crosscheck/crosscheck.h"
#include "harness/evidence/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHECK_DIGITS = 8 };

static int open_file(const char *run_path, int more, struct err *e)
{
    char path[512];
    int len = snprintf(path, sizeof(path), "%s/" CROSS_FILE, run_path);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        return err_set(e, ERR_OUTPUT, CROSS_FILE, "the path of the run directory is too long");
    }
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | more, 0644);
    return fd < 0 ? err_os(e, ERR_OUTPUT, errno, path, "cannot %s the file", more ? "create" : "append to") : fd;
}

static int write_all(int fd, const char *at, size_t len, struct err *e)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return err_os(e, ERR_OUTPUT, n < 0 ? errno : EIO, CROSS_FILE, "cannot append");
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int cross_create(const char *run_path, const char *scenario_sha256, struct err *e)
{
    char head[256];
    scoped_fd int fd = open_file(run_path, O_CREAT | O_EXCL, e);
    int len = snprintf(head, sizeof(head), CROSS_MAGIC "%064d\n" CROSS_COLUMNS, 0);
    if (strlen(scenario_sha256) == 64) {
        memcpy(head + sizeof(CROSS_MAGIC) - 1, scenario_sha256, 64);
    }
    return fd < 0 ? -1 : write_all(fd, head, (size_t)len, e);
}

int cross_book_open(struct cross_book *b, const char *run_path, uint16_t vantage, struct err *e)
{
    *b = (struct cross_book){.fd = open_file(run_path, 0, e), .vantage = vantage};
    if (b->fd < 0) {
        return -1;
    }
    struct cross_record begin = {.kind = CROSS_BEGIN};
    cross_book_add(b, &begin);
    return cross_book_flush(b, e);
}

static uint64_t number_of(struct cross_book *b, const struct cross_record *r)
{
    if (r->kind == CROSS_REQUEST) {
        b->requests++;
        return r->number;
    }
    return r->kind == CROSS_CHANGE ? b->changes++ : r->kind == CROSS_END ? b->requests : 0;
}

void cross_book_add(struct cross_book *b, const struct cross_record *r)
{
    char text[CHECK_DIGITS + CROSS_LINE_MAX];
    int len =
        snprintf(text, sizeof(text), "%08" PRIx32 "%s,%u,%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%u,%s,%u,",
                 b->check, cross_kind_words[r->kind], (unsigned)b->vantage, number_of(b, r), r->planned_ns, r->sent_ns,
                 r->done_ns, (unsigned)r->node, cross_outcome_words[r->outcome], (unsigned)r->status);
    if (b->len + CROSS_LINE_MAX > sizeof(b->lines)) {
        cross_book_flush(b, NULL);
    }
    b->check = crc32c(text, (size_t)len);
    b->len += (size_t)snprintf(b->lines + b->len, sizeof(b->lines) - b->len, "%s%08" PRIx32 "\n", text + CHECK_DIGITS,
                               b->check);
}

int cross_book_flush(struct cross_book *b, struct err *e)
{
    if (b->failure.kind == ERR_NONE) {
        write_all(b->fd, b->lines, b->len, &b->failure);
    }
    b->len = 0;
    if (b->failure.kind != ERR_NONE) {
        return err_set(e, b->failure.kind, b->failure.at, "%s", b->failure.msg);
    }
    return 0;
}

void cross_book_close(struct cross_book *b)
{
    cross_book_flush(b, NULL);
    fd_close(&b->fd);
}
