/* SPDX-License-Identifier: MIT */
/*
 * Where the nodes of a test live: a folder of its own, and ports of loopback that nobody has. Called by the suites that
 * open whole nodes; the folder is theirs to remove.
 */
#pragma once
#include <stddef.h>

/* Makes /tmp/drtest-<name>-XXXXXX. 0, or -1. */
int scratch_folder(char *folder, size_t size, const char *name);
int scratch_remove(const char *folder); /* with all that is in it; 0, or -1 */
/* Ports that nobody has now, all different. 0, or -1. */
int scratch_ports(int *ports, size_t n);
