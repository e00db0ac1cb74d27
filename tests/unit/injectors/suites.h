/* SPDX-License-Identifier: MIT */
SUITE(binomial)
SUITE(connections)
SUITE(drift)
SUITE(hold)
SUITE(operator)
SUITE(table)
SUITE(network)
