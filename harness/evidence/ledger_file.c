/* SPDX-License-Identifier: MIT */
/*
 * A ledger is judged once, front to back, in a buffer of half a mebibyte. A small one is kept in memory as it goes by;
 * of a large one only the open file and the end of what is sound are, and every scan reads it again, from the page
 * cache: so memory is bounded whatever the run wrote. That file may be changed under us between the two readings; then
 * numbers would be wrong that nobody checked twice, but no byte is read from outside the buffer.
 *
 * A scan hands out pages finding by finding, as records of kind LEDGER_FOUND, to whom the pages are no concern.
 */
#include "harness/evidence/ledger_file.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/evidence/ledger_blocks.h"
#include "harness/evidence/ledger_check.h"
#include "harness/evidence/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT = 32 * 1024 }; /* entries in memory: 4 MiB */
#define MAX_LEDGER ((off_t)64 << 30)

struct ledger_file {
    int fd;
    off_t end; /* of what is sound */
};

struct ledger_scan {
    const struct evidence *ev;
    size_t at; /* entries handed out, of a ledger in memory */
    struct ledger_blocks blocks;
    const struct ledger_found *found; /* rest of the page */
    size_t left;
    struct ledger_record entry; /* the finding handed out */
};

void ledger_file_free(struct ledger_file *f)
{
    if (!f) {
        return;
    }
    fd_close(&f->fd);
    free(f);
}

struct ledger_scan *ledger_scan_open(const struct evidence *ev)
{
    struct ledger_scan *s = xcalloc(1, sizeof(*s));
    s->ev = ev;
    if (ev->ledger_file) {
        ledger_blocks_open(&s->blocks, ev->ledger_file->fd, LEDGER_SIZE, ev->ledger_file->end);
    }
    return s;
}

void ledger_scan_close(struct ledger_scan *s)
{
    if (!s) {
        return;
    }
    ledger_blocks_close(&s->blocks);
    free(s);
}

static const struct ledger_record *next_found(struct ledger_scan *s)
{
    const struct ledger_found *f = s->found++;
    s->left--;
    s->entry.client = f->client;
    s->entry.key = f->key;
    s->entry.version = f->version;
    s->entry.seq = f->seq;
    s->entry.epoch = f->epoch;
    s->entry.value = f->value;
    s->entry.lsn = f->lsn;
    return &s->entry;
}

/* From here on the findings of this page are handed out. */
static void turn_page(struct ledger_scan *s, const struct ledger_record *page, const struct ledger_found *found)
{
    s->entry = *page;
    s->entry.kind = LEDGER_FOUND;
    s->entry.count = 0;
    memset(s->entry.digest, 0, sizeof(s->entry.digest));
    s->found = found;
    s->left = (size_t)page->count;
}

const struct ledger_record *ledger_scan_next(struct ledger_scan *s)
{
    if (s->left > 0) {
        return next_found(s);
    }
    if (!s->ev->ledger_file) {
        return s->at < s->ev->ledger_count ? &s->ev->ledger[s->at++] : NULL;
    }
    const struct ledger_found *found;
    const struct ledger_record *r = ledger_blocks_next(&s->blocks, &found);
    if (!r || r->kind != LEDGER_PAGE) {
        return r;
    }
    if (!found) {
        return NULL; /* it was sound when it was judged */
    }
    turn_page(s, r, found);
    return next_found(s);
}

static int open_ledger(struct evidence *ev, const char *path, struct ledger_file *f, struct err *e)
{
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ev->has_ledger = f->fd >= 0;
    if (f->fd < 0) {
        return errno == ENOENT ? 0 : err_os(e, ERR_READING, errno, path, "cannot open the file");
    }
    struct stat st;
    if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return err_set(e, ERR_READING, path, "this is not a regular file");
    }
    if (st.st_size > MAX_LEDGER) {
        return err_set(e, ERR_READING, path, "the file is larger than the %lld bytes that a run may have",
                       (long long)MAX_LEDGER);
    }
    f->end = st.st_size;
    return 0;
}

struct judging {
    struct evidence *ev;
    struct ledger_blocks blocks;
    struct ledger_check *check;
    struct seal seal;
    struct ledger_record *kept; /* entries in memory; NULL: too many */
    off_t sound;       /* bytes that are */
    int64_t newest_ns; /* instant of the newest sound record */
};

static void keep(struct judging *j, const struct ledger_record *r, const struct ledger_found *found)
{
    struct evidence *ev = j->ev;
    size_t entries = r->kind == LEDGER_PAGE ? (size_t)r->count : 1;
    uint8_t kind = r->kind == LEDGER_PAGE ? LEDGER_FOUND : r->kind;
    if (j->kept && ev->ledger_count + entries <= KEPT) {
        struct ledger_scan one = {.ev = ev};
        struct ledger_record *to = j->kept + ev->ledger_count;
        if (found) {
            turn_page(&one, r, found);
        }
        for (size_t i = 0; i < entries; i++) {
            to[i] = found ? *next_found(&one) : *r;
        }
    } else {
        j->kept = NULL;
    }
    ev->ledger_kinds[kind] += entries;
    ev->ledger_count += entries;
    j->sound += (off_t)(LEDGER_SIZE + ledger_behind(r));
    j->newest_ns = r->at_ns > j->newest_ns ? r->at_ns : j->newest_ns;
}

static void judge(struct judging *j, const struct ledger_file *f)
{
    struct evidence *ev = j->ev;
    const struct ledger_found *found;
    const struct ledger_record *r;
    const char *wrong = NULL;
    for (size_t n = 1; !wrong && (r = ledger_blocks_next(&j->blocks, &found)); n++) {
        wrong = ledger_check_next(j->check, r, found);
        if (wrong) {
            ev->ledger_damage =
                arena_printf(&ev->arena,
                             "record %zu (chain %u, number %" PRIu64 "): %s; the %zu before "
                             "it are whole, up to %.3f s",
                             n, (unsigned)r->chain, r->number, wrong, n - 1, (double)j->newest_ns / 1e9);
        } else {
            seal_add(&j->seal, r->crc);
            keep(j, r, found);
        }
    }
    if (!wrong && (j->blocks.failed || ledger_blocks_torn(&j->blocks) || j->blocks.end < f->end)) {
        ev->ledger_damage = arena_printf(&ev->arena,
                                         "the file ends within record %" PRIu64 "; what stands before is whole, "
                                         "up to %.3f s",
                                         j->seal.records, (double)j->newest_ns / 1e9);
    }
    const char *broken = seal_broken(&j->seal, ev, "ledger.bin", &ev->arena);
    ev->ledger_damage = ev->ledger_damage ? ev->ledger_damage : broken;
    ev->ledger_newest_ns = j->newest_ns;
    ledger_check_fingerprint(j->check, ev->ledger_chain_sha256);
}

static int read_header(struct judging *j, struct err *e)
{
    const struct ledger_found *found;
    const struct ledger_record *header = ledger_blocks_next(&j->blocks, &found);
    if (!header || ledger_check_header(header) != 0) {
        return err_set(e, ERR_READING, j->ev->path, "ledger.bin is not a ledger of format %d, or its header is damaged",
                       LEDGER_VERSION);
    }
    seal_add(&j->seal, header->crc);
    j->sound = LEDGER_SIZE;
    return 0;
}

int ledger_load(struct evidence *ev, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/ledger.bin", ev->path);
    struct ledger_file *f = ev->ledger_file = xcalloc(1, sizeof(*f));
    if (open_ledger(ev, text_str(&path), f, e) != 0) {
        return -1;
    }
    if (!ev->has_ledger) {
        ledger_file_free(steal(&ev->ledger_file));
        ev->ledger_damage = seal_find(ev, "ledger.bin") ? "the file is not there" : NULL;
        return 0;
    }
    struct judging j = {.ev = ev, .check = ledger_check_new()};
    size_t most = (size_t)f->end / sizeof(struct ledger_found); /* entries that a file of this size can have */
    j.kept = arena_array(&ev->arena, struct ledger_record, most < KEPT ? most + 1 : KEPT);
    ledger_blocks_open(&j.blocks, f->fd, 0, f->end);
    seal_begin(&j.seal);
    int status = read_header(&j, e);
    if (status == 0) {
        judge(&j, f);
        f->end = j.sound;
        ev->ledger = j.kept;
    }
    sha256_free(j.seal.sha);
    ledger_check_free(j.check);
    ledger_blocks_close(&j.blocks);
    if (status == 0 && ev->ledger) {
        ledger_file_free(steal(&ev->ledger_file));
    }
    return status;
}
