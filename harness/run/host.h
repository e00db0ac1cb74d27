/* SPDX-License-Identifier: MIT */
/* What machine this is, for the header of the timeline: new JSON objects, uname(2), /etc/os-release, /proc, sysfs. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
json_t *host_facts(bool rootless);
