/* SPDX-License-Identifier: MIT */
/*
 * `topology.backups`: three copies on two media, one of them elsewhere. Present or absent as a whole: a world that
 * promises nothing about backups makes none.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/topology_spec.h"

/* clang-format off */
static const struct field backups_fields[] = {
    {.key = "every", .kind = FIELD_DURATION, .offset = offsetof(struct topo_backups, every_ns), .required = true,
     .example = "1s", .min = 10 * NS_PER_MS, .max = 86400 * NS_PER_S, .doc = "how often what is new is added to them"},
    {.key = "copies", .kind = FIELD_COUNT, .offset = offsetof(struct topo_backups, copies), .preset = "3", .min = 2,
     .max = 3,
     .doc = "2: the log and one on a second medium of its region; 3: and one on that of every other region"},
};
/* clang-format on */

const struct field_set backups_set = {
    "`topology.backups`", "topology.backups", "Copies of the leading store's log, to restore from.", backups_fields,
    array_len(backups_fields), 0};
