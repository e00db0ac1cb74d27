/* SPDX-License-Identifier: MIT */
/*
 * A backup copy seen from the reading side: is it what its manifest says, and a store made of it.
 *
 * Called by backup_command.c (drgateway backup), backup_restore.c (an origin that starts) and backup_write.c. A copy is
 * named by its manifest's path. Nothing here changes a copy.
 *
 * Two questions are kept apart. *Whole*: every hash fits and every record follows the last. *Sound*: so many records
 * from the first are right by their own checksums; of a damaged copy that is what can be saved.
 */
#pragma once
#include "gateway-under-test/backup_manifest.h"

#include <limits.h>

struct err;

struct copy {
    char manifest_path[PATH_MAX], log_path[PATH_MAX];
    struct manifest manifest; /* owned; zeroed if it cannot be believed */
    int64_t sound;            /* records */
    int64_t sound_epoch, sound_time_ns; /* of the last of them */
    bool whole;
    char why[256]; /* not whole: what is wrong, in words */
};

struct copy_limit {
    int64_t lsn;     /* the last record to take; INT64_MAX: all */
    int64_t time_ns; /* take none that is younger; INT64_MAX: all */
};
#define COPY_ALL ((struct copy_limit){INT64_MAX, INT64_MAX})

typedef vec_of(struct copy) copy_list;

/* Every copy below a folder: MEDIUM/REGION/, or such a folder itself. Looked
 * through from end to end. -1: it cannot be read. */
int copies_find(const char *folder, copy_list *out, struct err *e);
void copies_deinit(copy_list *l);
/* Of copies with a record the one whose last is newest (epoch, then LSN), a
 * whole one before a damaged one; NULL: none. */
const struct copy *copies_newest(const copy_list *l);

/* Make the log of a store, from what of the copy is sound and within the limit, in a folder that has none, and open
 * it once more as a store would. -1: the folder has one, or it could not be written. *records is what it has then. */
int copy_restore(const struct copy *c, struct copy_limit limit, const char *data_dir, int64_t *records, struct err *e);
/* The same into a folder of its own that is removed afterwards: is a store that
 * starts with it what the manifest says? */
int copy_trial(const struct copy *c, int64_t *records, struct err *e);
