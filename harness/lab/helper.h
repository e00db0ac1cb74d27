/* SPDX-License-Identifier: MIT */
/*
 * A process of the lab that does one thing and answers questions about it: the wire and the answerer. This is the lab's
 * end of it: fork it, ask it, notice that it is gone.
 *
 * Called by wire.c and answerer.c, which own the helper and say what questions and answers look like; every answer
 * begins with a struct helper_answer. A helper dies with the process that forked it. Every call is bounded in time; one
 * that is gone or does not answer is an error of ours (ERR_RUN) and stays so: nothing is asked of it again.
 */
#pragma once
#include "harness/base/child.h"
#include "harness/base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct helper_answer {
    bool right;
    struct err failed; /* why not */
};

struct helper {
    const char *name, *does; /* in messages: "wire", "carries the shaped links" */
    struct child process;
    int control_fd;
    const char *lost; /* how it was found to be of no use, NULL while it is */
};

/* As fork(2): 0 in the child, 1 with us, -1. *control_fd is the child's end and is set in the child only. */
int helper_fork(struct helper *h, const char *name, const char *does, int *control_fd, struct err *e);
/* Its first answer, without a question: that it is ready, or why not. */
int helper_hear_ready(struct helper *h, struct helper_answer *a, size_t answer_size, struct err *e);
int helper_ask(struct helper *h, const void *question, size_t size, struct helper_answer *a, size_t answer_size,
               struct err *e);
int helper_check(struct helper *h, struct err *e); /* -1 and how: it has died, or did not answer once */
void helper_stop(struct helper *h);
void helper_forget(struct helper *h); /* in a forked child: lets go without ending it */
