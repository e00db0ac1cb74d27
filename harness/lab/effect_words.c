/* SPDX-License-Identifier: MIT */
/* The effects as doctor, plan, events and --mechanism name them, and the names of what makes them. */
#include "harness/lab/lab.h"

#include "harness/base/scoped.h"

const char *const lab_effect_words[LAB_EFFECTS] = {
    [EFFECT_KILL] = "kill",
    [EFFECT_FREEZE] = "freeze",
    [EFFECT_CUT] = "cut",
    [EFFECT_CUT_ONLY] = "cut_only",
    [EFFECT_REJECT] = "reject",
    [EFFECT_DEGRADE] = "degrade",
    [EFFECT_RATE] = "rate",
    [EFFECT_DRIFT] = "drift",
    [EFFECT_FAIL_OVER] = "fail_over",
    [EFFECT_REVOKE] = "revoke",
    [EFFECT_PATCH] = "patch",
    [EFFECT_TLS] = "tls",
    [EFFECT_DESCRIPTORS] = "descriptors",
    [EFFECT_DISK] = "disk",
    [EFFECT_PORTS] = "ports",
    [EFFECT_BACKLOG] = "backlog",
    [EFFECT_PROCESSES] = "processes",
    [EFFECT_CPU] = "cpu",
    [EFFECT_MEMORY] = "memory",
    [EFFECT_MISBEHAVE] = "misbehave",
    [EFFECT_SURGE] = "surge",
    [EFFECT_SLOW_CLIENTS] = "slow_clients",
    [EFFECT_DNS] = "dns",
    [EFFECT_FILTER] = "filter",
    [EFFECT_UNPLUG] = "unplug",
    [EFFECT_DISCONNECT] = "disconnect",
    [EFFECT_STALL] = "stall",
    [EFFECT_LAG] = "lag",
    [EFFECT_IO] = "io",
    [EFFECT_DEGRADE_ONLY] = "degrade_only",
    [EFFECT_CLOCK] = "clock",
};

bool lab_mechanism_known(const char *word)
{
    static const char *const words[] = {"signal", "cgroup", "freezer", "netem",   "wire",    "fib",   "tbf",
                                        "bpf",    "link",   "diag",    "file",    "admin",   "gdnsd", "load",
                                        "openssl", "prlimit", "tmpfs", "sysctl",  "seccomp", "sim"};
    for (size_t i = 0; i < array_len(words); i++) {
        if (text_eq(words[i], word)) {
            return true;
        }
    }
    return false;
}
