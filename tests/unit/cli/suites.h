/* SPDX-License-Identifier: MIT */
SUITE(annotate)
SUITE(batch)
SUITE(history)
SUITE(library)
SUITE(live)
SUITE(option)
SUITE(progress)
SUITE(say)
