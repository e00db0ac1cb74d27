/* SPDX-License-Identifier: MIT */
/* OpenSSL keeps a queue of what failed, innermost last; the newest is what the caller has just met. */
#include "harness/base/err.h"

#include <openssl/err.h>

int err_openssl(struct err *e, enum err_kind kind, const char *at, const char *what)
{
    char why[160] = "";
    unsigned long code = ERR_peek_last_error();
    if (code != 0) {
        ERR_error_string_n(code, why, sizeof(why));
    }
    ERR_clear_error();
    return err_set(e, kind, at, "%s%s%s", what, why[0] ? ": " : "", why);
}
