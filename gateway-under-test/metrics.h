/* SPDX-License-Identifier: MIT */
/*
 * Counters of a node, one list for all roles, printed as Prometheus text 0.0.4. Only what a role counts is printed.
 */
#pragma once
#include <stdint.h>

struct text;

#define COUNTERS(X)                                                                      \
    X(requests, "requests received on the service port")                                 \
    X(errors, "requests answered with 5xx")                                              \
    X(attempts, "requests sent to upstreams, health checks excluded")                    \
    X(retries, "attempts after the first of a request")                                  \
    X(retries_refused, "retries not made because the budget was used up")                \
    X(repeats, "requests that a gateway sent as a further attempt")                      \
    X(upstream_unreachable, "attempts without a connection")                             \
    X(upstream_timeouts, "attempts without an answer in time")                           \
    X(upstream_broken, "attempts reset, cut short or answered malformed")                \
    X(not_forwarded, "requests answered 503, provably not applied")                      \
    X(unknown_outcome, "requests answered 502 or 504 of our own")                        \
    X(rate_limited, "requests answered 429")                                             \
    X(shed, "requests answered 503 because too many were in flight")                     \
    X(panics, "requests answered 503 because too few members were usable")               \
    X(drain_aborted, "exchanges cut off unfinished when the time of a drain was over")   \
    X(breaker_opened, "times the breaker of a member opened")                            \
    X(overflowed, "requests answered 503 because the queue of this origin was full")     \
    X(ejections, "members ejected by passive checks")                                    \
    X(checks_ok, "active checks passed")                                                 \
    X(checks_failed, "active checks failed")                                             \
    X(reloads, "configurations taken over")                                              \
    X(reloads_refused, "configurations refused")                                         \
    X(drifts, "times the running configuration was seen to differ from the desired one") \
    X(reverts, "times the desired configuration was restored")                           \
    X(writes, "writes applied by clients")                                               \
    X(log_writes, "times entries were put on disk, many at a time under load")           \
    X(replays, "writes answered from their idempotency key")                             \
    X(reads, "reads answered")                                                           \
    X(refused_follower, "requests refused because this store does not lead")             \
    X(held, "requests held during a planned handover")                                   \
    X(shipped, "records shipped to peers")                                               \
    X(received, "records received from the leader")                                      \
    X(frames_broken, "replication messages that did not decode")                         \
    X(frames_repeated, "replication messages whose records were here already")           \
    X(stale_refused, "replication messages refused for their low epoch")                 \
    X(lost_records, "records moved to a lost log")                                       \
    X(takeovers, "times this store became leader")                                       \
    X(handovers, "planned handovers completed")                                          \
    X(degraded, "times a peer was taken out of the acknowledgements")                    \
    X(lease_grants, "leases granted or renewed")                                         \
    X(lease_refusals, "leases refused")                                                  \
    X(backups, "backups that were made to count")                                        \
    X(backups_failed, "backups that a medium did not take")                              \
    X(backups_unsent, "times another region did not take what was sent")                 \
    X(access_log_lost, "times lines of the access log could not be written")             \
    X(backups_received, "backups of other regions put on the medium here")               \
    X(configs_served, "configurations handed out to gateways")                           \
    X(configs_outdated, "answers of a control endpoint that knew less than we do")       \
    X(cold_starts, "instances started")                                                  \
    X(cold_waits, "requests that waited for an instance")

#define COUNTER_ENUM(name, text) COUNTER_##name,
enum counter { COUNTERS(COUNTER_ENUM) COUNTER_COUNT };
#undef COUNTER_ENUM

void metrics_print(const int64_t counters[COUNTER_COUNT], struct text *out);
void metrics_gauge(struct text *out, const char *name, const char *help, double value);
