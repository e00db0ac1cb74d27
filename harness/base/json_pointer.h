/* SPDX-License-Identifier: MIT */
/*
 * JSON Pointer (RFC 6901), the parts that json_at and json_patch share. Called by the json files of this room only;
 * owns nothing.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct text;

/* Empty, or tokens that each begin with a slash, every ~ followed by 0 or 1. */
bool pointer_valid(const char *pointer);

/* The value that holds the last token of a pointer (borrowed, NULL if absent), and that token without its escapes. */
json_t *pointer_parent(json_t *doc, const char *pointer, struct text *last);

/* A member or element by token; borrowed, NULL if absent. */
json_t *pointer_child(const json_t *parent, const char *token);

/* Read a token as a place in a list of len elements to insert at: 0 to len, or "-" for len. No leading zeros. */
bool pointer_index(const char *token, size_t len, size_t *index);

/* Append "/token" with its escapes. */
void pointer_add(struct text *pointer, const char *token);

/* Equal as RFC 6902 section 4.6 wants it: numbers by value, 1 equals 1.0. */
bool json_same(const json_t *a, const json_t *b);
