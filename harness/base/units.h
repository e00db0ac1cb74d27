/* SPDX-License-Identifier: MIT */
/*
 * Quantities with units: 250ms, 99.9%, 200/s, 10mbit. Parsing stands beside printing and both use one grammar,
 * so that every printed value can be read again and means the same. The locale plays no part.
 *
 *     duration   [0-9]+(\.[0-9]+)? then us ms s m h d, repeatable (1m30s), at least one     int64 nanoseconds
 *     ratio      [0-9]+(\.[0-9]+)?%                                                          parts per million, 0..1e6
 *     rate       [0-9]+(\.[0-9]+)?/s or /m                                                   micro-events per second
 *     bandwidth  [0-9]+(\.[0-9]+)? then bit kbit mbit gbit (decimal)                         bits per second
 *     count      [0-9]+                                                                      int64
 *     step       a duration with a sign before it or none                                    int64 nanoseconds
 *     factor     [0-9]+(\.[0-9]{1,6})?                                                       parts per million
 *
 * Parsers take the whole string or fail with ERR_READING: the message names what was found, the help shows the
 * right spelling ("write 5s"). Overflow is an error. Values finer than the stored unit are an error, not rounded;
 * only a rate per minute is rounded to the nearest stored unit (100/m has no exact value per second).
 */
#pragma once
#include <stdint.h>

struct err;
struct text;

int unit_parse_duration(const char *s, int64_t *ns, struct err *e);
int unit_parse_ratio(const char *s, int64_t *ppm, struct err *e);
int unit_parse_rate(const char *s, int64_t *micro_per_s, struct err *e);
int unit_parse_bandwidth(const char *s, int64_t *bit_per_s, struct err *e);
int unit_parse_bytes(const char *s, int64_t *n, struct err *e);
int unit_parse_step(const char *s, int64_t *ns, struct err *e);
int unit_parse_factor(const char *s, int64_t *ppm, struct err *e);
int unit_parse_count(const char *s, int64_t *n, struct err *e);

/* Shortest exact form; out must hold UNIT_MAX bytes. Each returns out. */
#define UNIT_MAX 48
char *unit_print_duration(int64_t ns, char out[UNIT_MAX]); /* 1m30s, 250ms, 0s */
char *unit_print_ratio(int64_t ppm, char out[UNIT_MAX]);   /* 99.9% */
char *unit_print_rate(int64_t micro_per_s, char out[UNIT_MAX]);
char *unit_print_bandwidth(int64_t bit_per_s, char out[UNIT_MAX]);
char *unit_print_bytes(int64_t n, char out[UNIT_MAX]); /* 10kB */

char *unit_print_step(int64_t ns, char out[UNIT_MAX]);     /* -1h */
char *unit_print_factor(int64_t ppm, char out[UNIT_MAX]);  /* 1.01 */

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define PPM INT64_C(1000000)
