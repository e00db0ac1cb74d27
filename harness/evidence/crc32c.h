/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli), the check of ledger records and of the bodies that origins answer: RFC 3720 appendix B.4.
 *
 * Both sides of the evidence and the load need it, hence a header of its own. Pure; cannot fail.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t len);
/* The same by tables alone, whatever the processor offers: for tests that compare the two. */
uint32_t crc32c_tables(const void *bytes, size_t len);
