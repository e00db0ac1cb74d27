/* SPDX-License-Identifier: MIT */
/*
 * Flaws a node can be told to have, so that a drill can show that it would notice. All are off by default; a name not
 * in this list is refused by the configuration.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define FLAWS(X)                                                                                                 \
    X(no_failover, "only the home region's store asks for the lease, and gateways never leave the first region") \
    X(ack_before_replicate, "sync mode acknowledges at once and ships 500 ms later, or later still")             \
    X(no_fencing, "a leader that cannot renew its lease goes on acknowledging")                                  \
    X(drift_unreported, "status says drift: false whatever runs, and nothing is repaired")                       \
    X(stale_follower_read, "followers answer reads, and gateways spread reads over all regions")                 \
    X(drop_every_nth_write, "every 7th acknowledged write is not stored")                                        \
    X(silent_async_degrade, "sync mode stops waiting for a peer that is away and tells nobody")                  \
    X(slow_detect, "active checks run ten times slower and passive ejection needs ten times the failures")       \
    X(failback_without_catchup, "the lease goes home as soon as the home region connects, whatever it has")      \
    X(duplicate_on_retry, "the store ignores idempotency keys and gateways send every 20th write twice")         \
    X(sticky_dead_upstream, "members that are down or ejected are picked like any other")                        \
    X(health_reset_on_target_change, "a new configuration takes every member for healthy")                       \
    X(keepalive_no_check, "kept connections are used unseen, and outlive a host that went down")                 \
    X(accept_empty_config, "a configuration that offers nothing, or less than half, is taken over all the same") \
    X(drain_ignored, "SIGTERM ends the process at once, whatever is under way")                                  \
    X(no_retry_budget, "gateways retry whatever fails, however much of it fails")                                \
    X(limiter_local_only, "every gateway lets a limited key have its whole rate, whatever the others let through")   \
    X(revocation_ignored, "gateways never look at what is revoked, nor at how old that knowledge is")             \
    X(dns_pin_forever, "clients keep the first address that the DNS gave them; no fault of a node's")            \
    X(lease_by_wall_clock, "the store counts its lease on the wall clock, which others set")                      \
    X(backup_corrupt, "backups are damaged on their way to the medium, and nobody reads them")

#define FLAW_ENUM(name, text) FLAW_##name,
enum flaw { FLAWS(FLAW_ENUM) FLAW_COUNT };
#undef FLAW_ENUM

struct flaw_row {
    const char *name, *text;
};
extern const struct flaw_row flaw_rows[FLAW_COUNT];

/* The flaw of this name, FLAW_COUNT if there is none. */
enum flaw flaw_find(const char *name);
