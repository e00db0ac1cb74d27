/* SPDX-License-Identifier: MIT */
#include "tests/unit/lab/fake_files.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdlib.h>
#include <string.h>

const char *fake_file_word(const struct fake_node *n)
{
    return n->file_state == LAB_FILE_MISSING      ? "missing"
           : n->file_state == LAB_FILE_UNREADABLE ? "unreadable"
           : n->broken                            ? "broken"
                                                  : "ok";
}

int fake_config_get(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    const struct fake_node *n = &fake_of(lab)->nodes[node];
    if (strcmp(fake_file_word(n), "ok") != 0) {
        return err_set(e, ERR_READING, "fake", "the file is %s", fake_file_word(n));
    }
    *config = json_deep_copy(n->file);
    return 0;
}

int fake_config_first(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    (void)e;
    *config = json_pack("{s:s, s:i}", "node", fake_of(lab)->topo.nodes[node].name, "drain_ms", 500);
    return 0;
}

int fake_file_get(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e)
{
    (void)e;
    const struct fake_node *n = &fake_of(lab)->nodes[node];
    file->state = n->file_state;
    file->mode = 0640;
    if (n->file_state == LAB_FILE_READABLE) {
        scoped_free char *bytes = n->broken ? xstrdup(n->broken) : json_canonical(n->file);
        text_add(&file->bytes, bytes);
    }
    return 0;
}

int fake_file_set(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e)
{
    struct fake_node *n = &fake_of(lab)->nodes[node];
    int rc = fake_permit(fake_of(lab), e);
    if (rc != 0) {
        return rc < 0 ? -1 : 0;
    }
    json_t *config = json_loads(text_str(&file->bytes), 0, NULL);
    n->file_state = file->state;
    free(n->broken);
    n->broken = file->state == LAB_FILE_READABLE && !config ? xstrdup(text_str(&file->bytes)) : NULL;
    if (config) {
        json_decref(n->file);
        n->file = config;
    }
    return 0;
}

int fake_desired_get(struct lab *lab, uint16_t node, json_t **config, struct err *e)
{
    (void)e;
    const struct fake_node *n = &fake_of(lab)->nodes[node];
    *config = json_deep_copy(n->refused ? n->refused : n->desired);
    return 0;
}

int fake_desired_set(struct lab *lab, uint16_t node, const json_t *config, struct err *e)
{
    int rc = fake_permit(fake_of(lab), e);
    struct fake_node *n = &fake_of(lab)->nodes[node];
    if (rc != 0) {
        return rc < 0 ? -1 : 0;
    }
    json_decref(n->refused);
    n->refused = n->guards && !json_equal(n->desired, config) ? json_deep_copy(config) : NULL;
    if (!n->refused) {
        json_decref(n->desired);
        n->desired = json_deep_copy(config);
    }
    return 0;
}

int fake_patch(struct fake_lab *f, struct fake_node *n, const json_t *order)
{
    char running[SHA256_HEX];
    const char *from = json_string_value(json_object_get(order, "from"));
    json_fingerprint(n->running, running);
    if (!from || strcmp(from, running) != 0) {
        return 409;
    }
    if (!f->deaf) {
        memcpy(n->applied, running, sizeof(n->applied));
        json_decref(n->running);
        n->running = json_deep_copy(json_object_get(order, "config"));
    }
    return 200;
}
