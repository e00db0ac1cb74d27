/* SPDX-License-Identifier: MIT */
SUITE(balance)
SUITE(book)
SUITE(config)
SUITE(http1)
SUITE(http1_hostile)
SUITE(store_index)
SUITE(store_log)
SUITE(wire)
