/* SPDX-License-Identifier: MIT */
/*
 * Errors as values: what went wrong, where, and what to do about it.
 *
 * Used by every room. The caller owns the struct err and passes it last; the first failure wins and later ones on the
 * same path leave it alone. A function that fails returns -1 (err_set returns it for you). A struct err that is all
 * zeros means "nothing went wrong". A missed target is never an error.
 */
#pragma once

enum err_kind {
    ERR_NONE,    /* nothing went wrong */
    ERR_USAGE,   /* DR00xx  bad command line: exit 2 */
    ERR_READING, /* DR01xx  a file cannot be read as what it claims to be: exit 3 */
    ERR_MEANING, /* DR02xx  it reads well but makes no sense: exit 3 */
    ERR_MACHINE, /* DR03xx  this machine cannot do it: exit 5 */
    ERR_RUN,     /* DR04xx  something failed while running: exit 4 */
    ERR_OUTPUT,  /* DR05xx  results could not be written: exit 4 */
    ERR_DEFECT,  /* DR09xx  a defect in drtest itself: exit 4 */
};

struct err {
    enum err_kind kind;
    int code;       /* four digits of the stable code, e.g. 103 for DR0103; 0 where the kind's general code is meant */
    int os;         /* errno, 0 if the operating system had no part in it */
    char at[192];   /* the place: a path, file:line:column, an object */
    char msg[512];  /* one sentence, no full stop, no line break */
    char help[256]; /* the remedy as an order ("install ..."), may be empty */
};

/* Record a failure unless one is recorded already; always returns -1. e may be NULL (the detail is dropped). */
int err_set(struct err *e, enum err_kind kind, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, with the meaning of an errno value appended to the message. os is a positive errno. */
int err_os(struct err *e, enum err_kind kind, int os, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The same, with what OpenSSL says last (ERR_get_error(3)) appended to what; empties its queue. */
int err_openssl(struct err *e, enum err_kind kind, const char *at, const char *what);

/* Add the remedy to the failure just recorded (the first help wins, too). Returns -1. */
int err_help(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Exit code of a program that ends with this error, as listed beside err_kind (0 for ERR_NONE). */
int err_exit_code(const struct err *e);
