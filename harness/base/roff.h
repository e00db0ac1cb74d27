/* SPDX-License-Identifier: MIT */
/* Text for man pages (man(7), groff_man(7)): whatever it holds is shown and never taken for a request. */
#pragma once
struct text;
void roff_add(struct text *out, const char *s); /* goes on in the line */
void roff_line(struct text *out, const char *s); /* a line of its own */
