/* SPDX-License-Identifier: MIT */
SUITE(binomial)
SUITE(drift)
SUITE(hold)
SUITE(misbehave)
SUITE(operator)
SUITE(table)
SUITE(network)
