/* SPDX-License-Identifier: MIT */
/*
 * drtest version: which build this is. --json adds what a bug report needs: compiler, libraries, digest.
 */
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/cli/command.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <yaml.h>

static void print_json(const struct tool_facts *f)
{
    scoped_json json_t *doc =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s,s:s,s:s}}", "name", "drtest", "version", f->version, "commit",
                  f->commit, "build_flags", f->build_flags, "sha256", f->sha256, "libraries", "libcurl",
                  curl_version_info(CURLVERSION_NOW)->version, "jansson", jansson_version_str(), "libyaml",
                  yaml_get_version_string(), "libcrypto", OpenSSL_version(OPENSSL_VERSION_STRING));
    scoped_free char *text = json_dumps(doc, JSON_INDENT(2));
    puts(text ? text : "{}");
}

void version_print(bool json)
{
    const struct tool_facts *f = tool_facts();
    if (json) {
        print_json(f);
    } else {
        printf("drtest %s (%s)\n", f->version, f->commit);
    }
}

static int run(struct call *c)
{
    version_print(c->globals.json);
    if (c->globals.verbose && !c->globals.json) {
        printf("built with  %s\nsha256      %s\n", tool_facts()->build_flags, tool_facts()->sha256);
    }
    return 0;
}

const struct command command_version = {.name = "version",
                                        .operands = "",
                                        .summary = "which build this is; --json adds build facts",
                                        .exits = "0",
                                        .run = run};
