/* SPDX-License-Identifier: MIT */
SUITE(diag)
SUITE(yaml_tree)
SUITE(golden)
