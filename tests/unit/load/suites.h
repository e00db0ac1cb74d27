/* SPDX-License-Identifier: MIT */
SUITE(outcome)
SUITE(answer_head)
SUITE(pacer)
SUITE(endpoints)
SUITE(order)
SUITE(transport)
