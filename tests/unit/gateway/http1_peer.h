/* SPDX-License-Identifier: MIT */
/*
 * What a parser made of a request, and how Debian's http-parser reads one. A file of its own, since its header and ours
 * use the same names.
 */
#pragma once
#include "harness/base/text.h"

enum end { TAKEN, REFUSED, UNFINISHED };

struct reading {
    enum end end;
    bool keep_alive;
    size_t used;
    struct text method, target, fields, body; /* fields: name, colon, value, LF */
};

void peer_read(struct reading *r, const struct text *raw); /* the first request in raw */
