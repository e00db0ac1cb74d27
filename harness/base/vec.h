/* SPDX-License-Identifier: MIT */
/*
 * Growing arrays of anything, without a type per element:
 *
 *     struct { struct sample *at; size_t len, cap; } v = {0};
 *     *vec_push(&v) = sample;            the new element is zeroed
 *     vec_deinit(&v);
 *
 * Any struct with members `at`, `len` and `cap` is a vector. Growth doubles and aborts when memory runs out.
 */
#pragma once
#include <stddef.h>

void *vec_grow(void *at, size_t len, size_t *cap, size_t size); /* room for one more, zeroed; returns the new base */
void vec_free(void *at);

#define vec_of(type)     \
    struct {             \
        type *at;        \
        size_t len, cap; \
    }
#define vec_push(v) (((v)->at = vec_grow((v)->at, (v)->len, &(v)->cap, sizeof(*(v)->at))), &(v)->at[(v)->len++])
#define vec_deinit(v) (vec_free((v)->at), (v)->at = NULL, (v)->len = (v)->cap = 0)
