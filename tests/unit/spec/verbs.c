/* SPDX-License-Identifier: MIT */
/*
 * Rows as the injectors have them, so that the loader is tested without the injectors.
 */
#include "tests/unit/spec/verbs.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/field.h"
#include "harness/spec/rounds.h"

#define IN(member) .offset = offsetof(struct action, member)

static const char *const how_words[] = {"", "power", "crash", NULL};
static const char *const file_words[] = {"", "truncated", "missing", "unreadable", "stale", NULL};
static const char *const reload_words[] = {"yes", "no", NULL};
static const char *const of_words[] = {"replication", "config", NULL};
static const char *const disk_words[] = {"kept", "lost", "lost_with_backups", NULL};

/* clang-format off */
static const struct field kill_fields[] = {
    {.key = "how", .kind = FIELD_ENUM, IN(how), .words = how_words, .example = "power",
     .doc = "power cuts the links first"},
    {.key = "disk", .kind = FIELD_ENUM, IN(disk), .words = disk_words, .preset = "kept",
     .doc = "what restarts find"},
};

static bool not_of_memory(const struct action *a)
{
    return a->starve.memory_bytes == 0;
}

static bool other_port(const struct action *a, const struct action *b)
{
    return a->port != b->port;
}

static const struct field starve_fields[] = {
    {.key = "ports", .kind = FIELD_COUNT, IN(starve.ports), .choice = FIELD_SOME, .min = 1, .max = 200, .doc = "p"},
    {.key = "memory", .kind = FIELD_BYTES, IN(starve.memory_bytes), .choice = FIELD_SOME, .min = 4000000,
     .max = 256000000, .example = "64MB", .doc = "m"},
};

static const char *const from_words[] = {"", "backup", NULL};
static const struct field restore_fields[] = {
    {.key = "from", .kind = FIELD_ENUM, IN(from), .words = from_words, .example = "backup", .doc = "f"},
    {.key = "ready_after", .kind = FIELD_DURATION, IN(ready_after_ns), .min = NS_PER_MS, .doc = "r"},
};

static const struct field degrade_fields[] = {
    {.key = "delay", .kind = FIELD_DURATION, IN(shape.delay_ns), .max = 10 * NS_PER_S, .choice = FIELD_SOME,
     .doc = "d"},
    {.key = "jitter", .kind = FIELD_DURATION, IN(shape.jitter_ns), .with = "delay", .doc = "j"},
    {.key = "reorder", .kind = FIELD_RATIO, IN(shape.reorder_ppm), .with = "delay", .doc = "r"},
    {.key = "loss", .kind = FIELD_RATIO, IN(shape.loss_ppm), .choice = FIELD_SOME, .doc = "l"},
    {.key = "duplicate", .kind = FIELD_RATIO, IN(shape.duplicate_ppm), .choice = FIELD_SOME, .doc = "d"},
    {.key = "corrupt", .kind = FIELD_RATIO, IN(shape.corrupt_ppm), .choice = FIELD_SOME, .doc = "c"},
    {.key = "rate", .kind = FIELD_BANDWIDTH, IN(shape.rate_bps), .choice = FIELD_SOME, .doc = "r"},
};

static const struct field drift_fields[] = {
    {.key = "patch", .kind = FIELD_JSON, IN(patch), .choice = FIELD_ONE, .doc = "RFC 6902"},
    {.key = "merge", .kind = FIELD_JSON, IN(merge), .choice = FIELD_ONE, .doc = "RFC 7386"},
    {.key = "file", .kind = FIELD_ENUM, IN(file), .words = file_words, .choice = FIELD_ONE, .doc = "f"},
    {.key = "reload", .kind = FIELD_BOOL, IN(not_reloaded), .words = reload_words, .preset = "yes", .doc = "r"},
};

static const struct field lag_fields[] = {
    {.key = "of", .kind = FIELD_BOOL, IN(of_config), .words = of_words, .required = true, .example = "replication",
     .doc = "o"},
    {.key = "stop", .kind = FIELD_BOOL, IN(stop), .choice = FIELD_SOME, .doc = "s"},
    {.key = "delay", .kind = FIELD_DURATION, IN(shape.delay_ns), .choice = FIELD_SOME, .doc = "d"},
    {.key = "corrupt", .kind = FIELD_RATIO, IN(shape.corrupt_ppm), .choice = FIELD_SOME, .doc = "c"},
};

static bool lags_apart(const struct action *a, const struct action *b)
{
    return a->of_config != b->of_config;
}

static const struct field clock_fields[] = {
    {.key = "step", .kind = FIELD_STEP, IN(step_ns), .min = -86400 * NS_PER_S, .max = 86400 * NS_PER_S, 
     .example = "-1h", .doc = "s"},
    {.key = "rate", .kind = FIELD_FACTOR, IN(clock_ppm), .min = PPM / 10, .max = 10 * PPM, 
     .example = "1.01", .doc = "r"},
};

static const struct field disconnect_fields[] = {
    {.key = "every", .kind = FIELD_DURATION, IN(every_ns), .min = NS_PER_S, .with = "for", .doc = "e"},
};

static const struct field fail_over_fields[] = {
    {.key = "to", .kind = FIELD_REGION, IN(site), .required = true, .example = "eu-west", .doc = "the region to go to"},
};

static const char *const handshake_words[] = {"", "stall", NULL};
static const struct field tls_fields[] = {
    {.key = "certificate", .kind = FIELD_ENUM, IN(certificate), .words = certificate_words, .choice = FIELD_ONE,
     .doc = "c"},
    {.key = "handshake", .kind = FIELD_BOOL, IN(stall), .words = handshake_words, .choice = FIELD_ONE, .doc = "h"},
};

static const char *const with_words[] = {"", "refused", "unreachable", NULL};
static const struct field reject_fields[] = {
    {.key = "with", .kind = FIELD_ENUM, IN(way), .words = with_words, .required = true, .example = "refused",
     .doc = "how"},
};

static const struct field ill_fields[] = {
    {.key = "status", .kind = FIELD_COUNT, IN(service.status), .choice = FIELD_SOME, .doc = "s"},
    {.key = "reset_after", .kind = FIELD_BYTES, IN(service.reset_after_bytes), .choice = FIELD_SOME, .max = 48000,
     .given = offsetof(struct action, service.has_reset), .doc = "r"},
};

#define NODES (TARGET_REGION | TARGET_NODE | TARGET_ORIGIN)
static const struct action_type rows[] = {
    {.verb = "kill", .summary = "End every process.", .class = ACTION_FAULT, .targets = NODES, .fields = kill_fields,
     .field_count = array_len(kill_fields), .severing = true, .proven_once = true},
    {.verb = "freeze", .summary = "Stop every process.", .class = ACTION_FAULT, .targets = NODES | TARGET_CONTROL,
     .severing = true},
    {.verb = "partition", .summary = "Cut a link.", .class = ACTION_FAULT, .targets = TARGET_LINK,
     .severing = true, .selective = true},
    {.verb = "degrade", .summary = "Make a link worse.", .class = ACTION_FAULT, .targets = TARGET_LINK,
     .fields = degrade_fields, .field_count = array_len(degrade_fields), .selective = true, .apart = other_port},
    {.verb = "drift", .summary = "Change a configuration.", .class = ACTION_FAULT,
     .targets = TARGET_REGION | TARGET_NODE, .fields = drift_fields, .field_count = array_len(drift_fields),
     .proven_once = true},
    {.verb = "restore", .summary = "End faults.", .class = ACTION_RESTORE, .targets = NODES | TARGET_LINK,
     .fields = restore_fields, .field_count = array_len(restore_fields)},
    {.verb = "fail_over", .summary = "Move the service.", .class = ACTION_OPERATOR, .fields = fail_over_fields,
     .field_count = array_len(fail_over_fields)},
    {.verb = "tls", .summary = "Show another certificate.", .class = ACTION_FAULT,
     .targets = TARGET_REGION | TARGET_NODE,
     .fields = tls_fields, .field_count = array_len(tls_fields), .of_tls = true},
    {.verb = "disconnect", .summary = "Break connections.", .class = ACTION_FAULT, .targets = NODES | TARGET_LINK,
     .fields = disconnect_fields, .field_count = array_len(disconnect_fields), .proven_once = true,
     .momentary_ns = 2 * NS_PER_S},
    {.verb = "reject", .summary = "Turn packets away.", .class = ACTION_FAULT, .targets = TARGET_LINK,
     .fields = reject_fields, .field_count = array_len(reject_fields), .severing = true, .selective = true},
    {.verb = "nothing", .summary = "Change nothing.", .class = ACTION_NOTHING},
    {.verb = "starve", .summary = "Take a resource.", .class = ACTION_FAULT, .targets = NODES, .fields = starve_fields,
     .field_count = array_len(starve_fields), .severing = true, .spares = not_of_memory},
    {.verb = "misbehave", .summary = "Serve badly.", .class = ACTION_FAULT, .targets = TARGET_REGION | TARGET_ORIGIN,
     .fields = ill_fields, .field_count = array_len(ill_fields), .of_process = true},
    {.verb = "lag", .summary = "Make it late.", .class = ACTION_FAULT, .targets = TARGET_REGION, .fields = lag_fields,
     .field_count = array_len(lag_fields), .apart = lags_apart},
    {.verb = "clock", .summary = "Make it wrong.", .class = ACTION_FAULT, .targets = TARGET_NODE,
     .fields = clock_fields,
     .field_count = array_len(clock_fields)},
    {.verb = "revoke", .summary = "Take a key away.", .class = ACTION_OPERATOR, .of_identity = true},
};

/* clang-format on */

const struct action_type *const test_verbs[] = {
    &rows[0], &rows[1], &rows[2], &rows[3], &rows[4], &rows[5], &rows[6], &rows[7], &rows[8], &rows[9],
    &rows[10], &rows[11], &rows[12], &rows[13], &rows[14], &rows[15], &flap_type};
const size_t test_verb_count = array_len(test_verbs);
