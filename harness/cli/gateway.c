/* SPDX-License-Identifier: MIT */
/*
 * drtest gateway ARGS...: become the bundled reference gateway. The words are its own; its exit code is ours.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"
#include "harness/cli/command.h"
#include "harness/cli/tool.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static int run(struct call *c)
{
    struct err e = {0};
    scoped_text struct text path = {0};
    if (tool_find_gateway(&path, &e) < 0) {
        return say_error(&c->err, &e);
    }
    vec_of(char *) words = {0};
    *vec_push(&words) = path.at;
    for (char *const *w = c->words; *w; w++) {
        *vec_push(&words) = *w;
    }
    *vec_push(&words) = NULL;
    signal(SIGPIPE, SIG_DFL);
    execv(path.at, words.at);
    err_os(&e, ERR_RUN, errno, path.at, "cannot execute the program");
    vec_deinit(&words);
    return say_error(&c->err, &e);
}

const struct command command_gateway = {.name = "gateway",
                                        .operands = "ARGS...",
                                        .summary = "start the bundled reference gateway (drgateway)",
                                        .exits = "its own",
                                        .raw = true,
                                        .run = run};
