/* SPDX-License-Identifier: MIT */
SUITE(schedule)
SUITE(converge)
SUITE(strike)
SUITE(news)
SUITE(pulse)
SUITE(set_aside)
