/* SPDX-License-Identifier: MIT */
/*
 * What the cleanup attribute calls.
 *
 * close(2) is never repeated on EINTR: on Linux the descriptor is gone by then and the number may already belong to
 * someone else. errno is kept, because these run on the way out of functions that are about to report it.
 */
#include "harness/base/scoped.h"

#include <errno.h>
#include <jansson.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd > 2) {
        int kept = errno;
        close(*fd);
        errno = kept;
    }
    *fd = -1;
}

void scoped_free_(void *pp)
{
    void **at = pp;
    int kept = errno;
    free(*at);
    *at = NULL;
    errno = kept;
}

void scoped_file_(FILE **f)
{
    if (*f) {
        int kept = errno;
        fclose(*f);
        errno = kept;
    }
    *f = NULL;
}

void scoped_json_(void *pp)
{
    json_t **at = pp;
    json_decref(*at);
    *at = NULL;
}
