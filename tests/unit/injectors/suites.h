/* SPDX-License-Identifier: MIT */
SUITE(binomial)
SUITE(drift)
SUITE(hold)
SUITE(lag)
SUITE(operator)
SUITE(table)
SUITE(network)
