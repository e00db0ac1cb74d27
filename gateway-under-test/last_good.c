/* SPDX-License-Identifier: MIT */
/*
 * The last configuration that a gateway took over, in its data directory: what it begins with when its own file is
 * missing, unreadable or broken. A file that can be read is never second-guessed here; that is drift.c's business.
 */
#include "gateway-under-test/node.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <string.h>

static void place(const struct node *n, struct text *path)
{
    text_addf(path, "%s/last-good.json", n->data_dir);
}

void last_good_keep(const struct node *n, const struct config *c)
{
    scoped_text struct text path = {0};
    struct err e = {0};
    if (n->data_dir == NULL)
        return;
    scoped_free char *bytes = json_canonical(c->doc);
    place(n, &path);
    if (file_replace(text_str(&path), bytes, strlen(bytes), &e) < 0)
        node_log(n, "the running configuration could not be kept: %s: %s", e.at, e.msg);
}

int last_good_read(const struct node *n, struct config **out, struct err *e)
{
    scoped_text struct text path = {0};
    struct err no_help = {0};
    if (n->data_dir == NULL)
        return -1;
    place(n, &path);
    if (config_read(text_str(&path), out, &no_help) < 0)
        return -1; /* e keeps what is wrong with the file itself */
    (void)fprintf(stderr, "drgateway: %s: %s: beginning with %s\n", e->at, e->msg, text_str(&path));
    *e = (struct err){0};
    return 0;
}
