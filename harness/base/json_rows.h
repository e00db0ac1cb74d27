/* SPDX-License-Identifier: MIT */
/*
 * Rows for tables of JSON keys (json.h). A table defines T, the struct that it binds, before its rows; a row names the
 * member, whose name is the key, says in a sentence what it is, and then whatever else there is to say of the field:
 *
 *     #define T struct stone
 *     static const struct json_field stone_fields[] = {TEXT(name, "what it is called", SURE), NUM(width_ms, "width")};
 *     SHAPE(stone, T);
 *     #undef T
 */
#pragma once
#include "harness/base/json.h"
#include "harness/base/scoped.h"

#define ROW(kind_, member, ...) {.name = #member, .kind = kind_, .offset = offsetof(T, member), .doc = __VA_ARGS__}
#define TEXT(member, ...) ROW(JB_TEXT, member, __VA_ARGS__)
#define NUM(member, ...) ROW(JB_NUMBER, member, __VA_ARGS__)
#define INT(member, ...) ROW(JB_INT, member, __VA_ARGS__)
#define FLAG(member, ...) ROW(JB_BOOL, member, __VA_ARGS__)
#define TEXTS(member, ...) ROW(JB_TEXTS, member, __VA_ARGS__)
#define JSON(member, ...) ROW(JB_JSON, member, __VA_ARGS__)
#define PART(member, shape, ...) ROW(JB_OBJECT, member, __VA_ARGS__, .of = &(shape))
#define PART_IF(member, shape, flag, ...) PART(member, shape, __VA_ARGS__, .present_offset = offsetof(T, flag))
#define LIST(member, shape, ...) ROW(JB_LIST, member, __VA_ARGS__, .of = &(shape))
#define SURE .never_null = true
#define LATER .added = true /* came after the first release of the format version */
#define SHAPE(name, type) static const struct json_shape name = {name##_fields, array_len(name##_fields), sizeof(type)}
