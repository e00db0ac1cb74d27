/* SPDX-License-Identifier: MIT */
SUITE(selftest)
