/* SPDX-License-Identifier: MIT */
/*
 * A changed content is written in canonical form, with the mode of the original. truncated leaves the first half, as a
 * full disk or a cut copy does; stale is the file of the node's first start, as an old backup puts it back.
 */
#include "injectors/drift_file.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <stdio.h>
#include <string.h>

#define MODE_USUAL 0644

void drift_file_deinit(struct lab_file *f)
{
    text_deinit(&f->bytes);
}

static void fill(struct lab_file *f, const json_t *config, unsigned mode)
{
    scoped_free char *bytes = json_canonical(config);
    text_clear(&f->bytes);
    text_add(&f->bytes, bytes);
    f->state = LAB_FILE_READABLE;
    f->mode = mode;
}

static json_t *config_in(const struct lab_file *f, struct err *e)
{
    if (f->state != LAB_FILE_READABLE) {
        err_set(e, ERR_RUN, "configuration file", "it is %s already",
                f->state == LAB_FILE_MISSING ? "missing" : "unreadable");
        return NULL;
    }
    return json_read(text_str(&f->bytes), f->bytes.len, "configuration file", e);
}

int drift_file_get(const struct injection *in, uint16_t node, struct lab_file *now, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_json json_t *doc = NULL;
    int rc = 0;
    switch (in->action->via) {
    case DRIFT_VIA_FILE:
        return lab->ops->node_file_get(lab, node, now, e);
    case DRIFT_VIA_CONTROL:
        rc = lab->ops->node_desired_get(lab, node, &doc, e);
        break;
    case DRIFT_VIA_RUNTIME:
        rc = drift_running_get(in, node, &doc, e);
        break;
    }
    if (rc == 0) {
        fill(now, doc, MODE_USUAL);
    }
    return rc;
}

static json_t *changed(const struct action *a, const json_t *original, struct err *e)
{
    return a->patch ? json_patch(original, a->patch, NULL, e) : json_merge(original, a->merge);
}

static int future_content(const struct injection *in, uint16_t node, const struct lab_file *now,
                          struct lab_file *future, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_json json_t *original = NULL, *next = NULL;
    if (in->action->file == DRIFT_STALE) {
        if (lab->ops->node_config_first(lab, node, &next, e) != 0) {
            return -1;
        }
    } else if ((original = config_in(now, e)) == NULL || (next = changed(in->action, original, e)) == NULL) {
        return -1;
    }
    fill(future, next, now->state == LAB_FILE_READABLE ? now->mode : MODE_USUAL);
    return 0;
}

int drift_file_future(const struct injection *in, uint16_t node, const struct lab_file *now, struct lab_file *future,
                      struct err *e)
{
    char was[SHA256_HEX], becomes[SHA256_HEX];
    future->mode = now->mode;
    switch (in->action->file) {
    case DRIFT_CONTENT:
    case DRIFT_STALE:
        if (future_content(in, node, now, future, e) != 0) {
            return -1;
        }
        break;
    case DRIFT_TRUNCATED:
        future->state = now->state;
        text_add_bytes(&future->bytes, text_str(&now->bytes), now->bytes.len / 2);
        break;
    case DRIFT_MISSING:
        future->state = LAB_FILE_MISSING;
        break;
    case DRIFT_UNREADABLE:
        future->state = LAB_FILE_UNREADABLE;
        break;
    }
    drift_file_identity(now, was);
    drift_file_identity(future, becomes);
    return strcmp(was, becomes) != 0 ? 0
                                     : err_set(e, ERR_MEANING, fabric_topology(in->fabric)->nodes[node].name,
                                               in->action->file == DRIFT_STALE
                                                   ? "its file is the one of its first start, so none is older"
                                                   : "the drift changes nothing there");
}

int drift_file_put(const struct injection *in, uint16_t node, const char *from, const struct lab_file *file,
                   struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    if (in->action->via == DRIFT_VIA_FILE) {
        return lab->ops->node_file_set(lab, node, file, e);
    }
    scoped_json json_t *doc = config_in(file, e);
    if (!doc) {
        return -1;
    }
    return in->action->via == DRIFT_VIA_CONTROL ? lab->ops->node_desired_set(lab, node, doc, e)
                                                : drift_running_set(in, node, from, doc, e);
}

void drift_file_identity(const struct lab_file *f, char out[SHA256_HEX])
{
    scoped_json json_t *config = config_in(f, NULL);
    if (config) {
        json_fingerprint(config, out);
    } else if (f->state == LAB_FILE_READABLE) {
        sha256_hex(text_str(&f->bytes), f->bytes.len, out);
    } else {
        snprintf(out, SHA256_HEX, "%s", drift_file_word(f));
    }
}

const char *drift_file_word(const struct lab_file *f)
{
    scoped_json json_t *config = config_in(f, NULL);
    return f->state == LAB_FILE_MISSING      ? "missing"
           : f->state == LAB_FILE_UNREADABLE ? "unreadable"
           : config                          ? "ok"
                                             : "broken";
}
