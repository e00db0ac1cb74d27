/* SPDX-License-Identifier: MIT */
/*
 * A process that performs rehearsals one after the other and tells of each outage through a pipe. Lanes run side by
 * side and share nothing; each has its own servers, clients and canaries.
 */
#pragma once
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/vec.h"
#include "harness/selftest/rehearsal.h"
#include "harness/selftest/write_rehearsal.h"

/* One piece of work: an outage at a gap, or a drill with writes. */
struct lane_task {
    bool writes, null_drill;
    bool second; /* the second prober looks on */
    int64_t gap_ns;
    struct outage_script script;
    enum write_lie lie;
};

struct lane {
    vec_of(struct lane_task) tasks;
    struct child process;
    uint64_t seed;
    uint8_t number; /* of the lane, 0..: part of its addresses and folder names */
    bool done;
};

enum lane_word { LANE_OUTAGE, LANE_WRITES, LANE_DONE, LANE_FAILED };

/* What comes through the pipe, whole or not at all: it is smaller than PIPE_BUF. */
struct lane_message {
    enum lane_word word;
    uint8_t lane;
    union {
        struct outage_record outage;
        struct write_record writes;
        struct err err;
    } of;
};

int lane_start(struct lane *l, const char *scratch, int to, struct err *e);
void lane_stop(struct lane *l);
