/* SPDX-License-Identifier: MIT */
/*
 * A backup copy as somebody else may have left it: the first line is the manifest, its own hash put right where the
 * line begins with a plus; the rest are the records of the chain "0123456789abcdef". What is said to be sound is a log
 * when it is restored.
 */
#include "gateway-under-test/backup_copy.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/stat.h>

static char *mended(const char *line)
{
    scoped_json json_t *doc = json_read(line, strlen(line), "input", NULL);
    char own[SHA256_HEX];
    if (!json_is_object(doc))
        return xstrdup(line);
    json_object_del(doc, "manifest_sha256");
    json_fingerprint(doc, own);
    json_object_set_new(doc, "manifest_sha256", json_string(own));
    return json_canonical(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped_free char *line = NULL;
    struct err e = {0};
    copy_list copies;
    if (!fuzz_line(&data, &size, &line))
        return 0;
    scoped_free char *manifest = line[0] == '+' ? mended(line + 1) : xstrdup(line);
    fuzz_put(MANIFEST_FILE, manifest, strlen(manifest));
    fuzz_put("0123456789abcdef.log", data, size);
    fuzz_must(copies_find(fuzz_folder(), &copies, &e) == 0 && copies.len == 1);
    const struct copy *c = &copies.at[0];
    int64_t records = -1;
    fuzz_must(c->whole == (c->why[0] == '\0'));
    fuzz_must(!c->whole || c->sound == c->manifest.records);
    fuzz_must((copies_newest(&copies) == c) == (c->sound > 0));
    if (c->sound > 0)
        fuzz_must(copy_trial(c, &records, &e) == 0 && records == c->sound);
    copies_deinit(&copies);
    fuzz_clear();
    return 0;
}
