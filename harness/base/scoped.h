/* SPDX-License-Identifier: MIT */
/*
 * Locals that clean up after themselves (GCC and clang cleanup attribute).
 *
 *     scoped_fd int fd = open(...);          closed at the end of the block
 *     scoped_free char *name = strdup(...);
 *     return steal_fd(&fd);                  handed over instead
 *
 * "No descriptor" is -1, yet a zeroed struct is safe to deinit too: descriptors 0 to 2 belong to the process and
 * fd_close never closes them (main makes sure that they are taken).
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>

/* Close *fd when it is above 2 and set it to -1. Keeps errno. */
void fd_close(int *fd);
void scoped_free_(void *pp);
void scoped_file_(FILE **f);
void scoped_json_(void *pp); /* json_decref on a json_t ** */

#define scoped_fd __attribute__((cleanup(fd_close)))
#define scoped_free __attribute__((cleanup(scoped_free_)))
#define scoped_file __attribute__((cleanup(scoped_file_)))
#define scoped_json __attribute__((cleanup(scoped_json_)))

static inline int steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Take the pointer out of a scoped local, leaving NULL behind. */
#define steal(pp)                      \
    __extension__({                    \
        __typeof__(*(pp)) t_ = *(pp);  \
        *(pp) = NULL;                  \
        t_;                            \
    })

#define array_len(a) (sizeof(a) / sizeof((a)[0]))
