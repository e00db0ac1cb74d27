/* SPDX-License-Identifier: MIT */
/*
 * The seals of a run's files as they lie there when the run is over. Records are taken as they are: one that is damaged
 * already is found by its own CRC. A file that is not there has no seal (a run without writes has no ledger).
 */
#include "harness/evidence/evidence_read.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/evidence/ledger_blocks.h"
#include "harness/evidence/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 512 };

static int seal_samples(int fd, struct seal *s)
{
    struct sample records[AT_ONCE];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, records, sizeof(records), at);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        size_t whole = n > 0 ? (size_t)n / SAMPLE_SIZE : 0;
        for (size_t i = 0; i < whole; i++) {
            seal_add(s, records[i].crc);
        }
        at += (off_t)(whole * SAMPLE_SIZE);
        if (n >= 0 && whole == 0) {
            return 0;
        }
    }
}

static int seal_ledger(int fd, struct seal *s)
{
    struct ledger_blocks b;
    const struct ledger_found *found;
    const struct ledger_record *r;
    ledger_blocks_open(&b, fd, 0, INT64_MAX);
    while ((r = ledger_blocks_next(&b, &found))) {
        seal_add(s, r->crc);
    }
    int status = b.failed ? -1 : 0;
    ledger_blocks_close(&b);
    return status;
}

static int seal_file(const char *run_path, const char *name, int (*records)(int fd, struct seal *s), json_t *into,
                     struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", run_path, name);
    scoped_fd int fd = open(text_str(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? 0 : err_os(e, ERR_READING, errno, text_str(&path), "cannot open the file");
    }
    struct seal s;
    char sha256[65];
    seal_begin(&s);
    int status = records(fd, &s), os = errno;
    json_int_t count = (json_int_t)s.records;
    seal_end(&s, sha256);
    if (status != 0) {
        return err_os(e, ERR_READING, os, text_str(&path), "cannot read the file");
    }
    json_object_set_new(into, name, json_pack("{s:I,s:s}", "records", count, "sha256", sha256));
    return 0;
}

json_t *evidence_seals(const char *run_path, struct err *e)
{
    scoped_json json_t *seals = json_object();
    if (seal_file(run_path, "samples.bin", seal_samples, seals, e) != 0 ||
        seal_file(run_path, "ledger.bin", seal_ledger, seals, e) != 0) {
        return NULL;
    }
    return steal(&seals);
}
