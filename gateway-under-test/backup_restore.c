/* SPDX-License-Identifier: MIT */
/*
 * A store that starts from a backup. Every copy on the medium is read from end to end first; the newest whole one wins,
 * and where none is whole the one with the newest sound record, for after a total loss half a log is better than none.
 * What was found and taken is said in the log and in the status: a store that quietly began with less would be the
 * worst outcome.
 *
 * A store that has records already is left as it is. Without a sound record anywhere it starts empty, and says so.
 */
#include "gateway-under-test/backup.h"
#include "gateway-under-test/backup_copy.h"
#include "gateway-under-test/node.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdio.h>
#include <sys/stat.h>

/* By its size only: to open it would be to mend it. */
static bool log_there(const char *data_dir)
{
    scoped_text struct text path = {0};
    struct stat st;
    text_addf(&path, "%s/orders.log", data_dir);
    return stat(text_str(&path), &st) == 0 && st.st_size > 0;
}

static int take(struct node *n, const copy_list *copies, struct recalled *out, struct err *e)
{
    const struct copy *c = copies_newest(copies);
    for (size_t i = 0; i < copies->len; i++) {
        if (!copies->at[i].whole)
            node_log(n, "backup %s is damaged: %s; %lld records are sound", copies->at[i].manifest_path,
                     copies->at[i].why, (long long)copies->at[i].sound);
    }
    if (c == NULL) {
        node_log(n, "no backup with a sound record: starting empty");
        return 0;
    }
    if (copy_restore(c, COPY_ALL, n->data_dir, &out->records, e) < 0)
        return -1;
    out->whole = c->whole;
    (void)snprintf(out->region, sizeof(out->region), "%s", c->manifest.region);
    node_log(n, "restored %lld records from %s", (long long)out->records, c->manifest_path);
    return 0;
}

int backup_recall(struct node *n, struct recalled *out, struct err *e)
{
    copy_list copies;
    *out = (struct recalled){.asked = n->restore};
    if (!n->restore || n->config->store == NULL)
        return 0;
    if (n->data_dir == NULL || n->backup_dir == NULL)
        return err_set(e, ERR_USAGE, "command line", "--restore needs --data DIR and --backups DIR");
    if (log_there(n->data_dir)) {
        node_log(n, "the store has a log already: nothing is restored");
        return 0;
    }
    if (copies_find(n->backup_dir, &copies, e) < 0)
        return -1;
    int rc = take(n, &copies, out, e);
    copies_deinit(&copies);
    return rc;
}
