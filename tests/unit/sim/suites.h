/* SPDX-License-Identifier: MIT */
SUITE(sim)
