/* SPDX-License-Identifier: MIT */
SUITE(binomial)
SUITE(dns)
SUITE(drift)
SUITE(hold)
SUITE(operator)
SUITE(starve)
SUITE(table)
SUITE(network)
