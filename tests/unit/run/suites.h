/* SPDX-License-Identifier: MIT */
SUITE(schedule)
