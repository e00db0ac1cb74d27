/* SPDX-License-Identifier: MIT */
SUITE(annotate)
SUITE(batch)
SUITE(history)
SUITE(library)
SUITE(option)
SUITE(progress)
SUITE(say)
