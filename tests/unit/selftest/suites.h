/* SPDX-License-Identifier: MIT */
SUITE(acceptance)
SUITE(outage_server)
SUITE(scratch)
SUITE(selftest)
SUITE(table)
SUITE(write_server)
