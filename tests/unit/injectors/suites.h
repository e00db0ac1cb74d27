/* SPDX-License-Identifier: MIT */
SUITE(binomial)
SUITE(drift)
SUITE(hold)
SUITE(operator)
SUITE(table)
SUITE(network)
SUITE(tls)
