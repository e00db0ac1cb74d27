/* SPDX-License-Identifier: MIT */
SUITE(crc32c)
SUITE(timeline)
SUITE(samples)
SUITE(ledger)
SUITE(damage)
SUITE(rundir)
