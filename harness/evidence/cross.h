/* SPDX-License-Identifier: MIT */
/*
 * crosscheck.csv: what the second prober of each vantage saw. Absent unless the run was asked for a cross-check.
 *
 * Lines of ASCII text. The first names the format, the version and the scenario's hash, the second the columns:
 *
 *     #drtest-crosscheck 1 <64 hex>
 *     kind,vantage,number,planned_ns,sent_ns,done_ns,node,outcome,status,check
 *     request,3,17,10007000000,10007093114,10011482333,5,good,200,9ab01c77
 *
 * vantage and node are indexes of the topology, instants are run time. check is CRC-32C, 8 hex digits, over the check
 * of the line of this vantage before it (00000000 for its first) and the line up to and with its last comma: a line
 * that is changed, lost, doubled or moved shows. Lines of different vantages mix, those of one are in the order of
 * their end. Written by harness/crosscheck alone, a few lines with one write(2) at a time; read by evidence_load.
 */
#pragma once
#include "harness/evidence/sample.h"

#include <stddef.h>

#define CROSS_FILE "crosscheck.csv"
#define CROSS_MAGIC "#drtest-crosscheck 1 "
#define CROSS_COLUMNS "kind,vantage,number,planned_ns,sent_ns,done_ns,node,outcome,status,check\n"
#define CROSS_LINE_MAX 192

enum cross_kind {
    CROSS_BEGIN,   /* the prober is there: first line of its vantage; all other members 0 */
    CROSS_REQUEST, /* number: k, from 0 without a gap */
    CROSS_CHANGE,  /* its client went over to node at done_ns; number: of the change */
    CROSS_END,     /* the prober ended in order: last line; number: how many requests there are */
    CROSS_KINDS
};
extern const char *const cross_kind_words[];    /* by enum cross_kind, NULL-terminated */
extern const char *const cross_outcome_words[]; /* by enum outcome, NULL-terminated */

struct cross_record {
    uint8_t kind;    /* enum cross_kind */
    uint8_t outcome; /* enum outcome */
    uint16_t vantage, node, status;
    uint64_t number;
    int64_t planned_ns, sent_ns, done_ns; /* s_k, a_k, c_k */
};
