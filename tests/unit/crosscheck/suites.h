/* SPDX-License-Identifier: MIT */
SUITE(book)
SUITE(prober)
SUITE(reply)
SUITE(route)
