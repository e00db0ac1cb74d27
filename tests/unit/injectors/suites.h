/* SPDX-License-Identifier: MIT */
SUITE(binomial)
SUITE(drift)
SUITE(hold)
SUITE(misbehave)
SUITE(operator)
SUITE(surge)
SUITE(table)
SUITE(network)
