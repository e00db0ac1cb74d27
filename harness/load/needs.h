/* SPDX-License-Identifier: MIT */
/*
 * What the load of a plan takes from this machine, and whether it is there. For whoever shows a plan or is about to run
 * it, and for the load process itself.
 *
 * load_needs is pure. Failures of the checks are ERR_MACHINE; each names the place and the remedy.
 */
#pragma once
#include "harness/spec/plan.h"

struct err;

struct load_needs {
    uint64_t descriptors;  /* of the busiest load process, by measurement's rule: 2 * rate * timeout + 64 */
    uint64_t ports;        /* of the vantage that opens most connections, towards one destination at a time */
    uint16_t addresses;    /* source addresses of that vantage that these take; 0: more than can be given */
    uint64_t memory_bytes; /* the whole run at its worst: all requests under way unanswered, all evidence loaded */
    uint64_t disk_bytes;   /* of the run directory */
};

struct load_needs load_needs(const struct plan *p);
uint64_t load_needs_descriptors(const struct plan *p, uint16_t vantage);

/* Limits and memory of this machine, for processes that are about to be started. On virtual time only the memory
 * that the evidence takes counts, and no descriptors and ports. */
int load_needs_check(const struct plan *p, bool is_virtual, struct err *e);
/* Room for so many bytes on the file system of this folder, or of the nearest one above it that is there. */
int load_needs_check_disk(const char *folder, uint64_t bytes, struct err *e);
/* From inside the client's namespace: do its addresses and its range of ports suffice? */
int load_needs_check_ports(const struct plan *p, uint16_t vantage, struct err *e);
