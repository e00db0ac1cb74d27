/* SPDX-License-Identifier: MIT */
SUITE(sim)
SUITE(drill)
SUITE(damage)
