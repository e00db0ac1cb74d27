/* SPDX-License-Identifier: MIT */
SUITE(binomial)
SUITE(clock)
SUITE(drift)
SUITE(hold)
SUITE(lag)
SUITE(operator)
SUITE(table)
SUITE(network)
