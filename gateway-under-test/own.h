/* SPDX-License-Identifier: MIT */
/*
 * Small things every file of the gateway uses: from an embedded member back to its owner, big-endian integers in
 * byte strings, CRC-32C.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define owner_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* No honest epoch is larger; what claims to be is refused before it can overflow anything. */
#define EPOCH_MAX (INT64_C(1) << 40)

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4) of bytes; crc is 0 or the value of what came before. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

void put_u16(unsigned char *to, uint16_t v);
void put_u32(unsigned char *to, uint32_t v);
void put_u64(unsigned char *to, uint64_t v);
uint16_t get_u16(const unsigned char *from);
uint32_t get_u32(const unsigned char *from);
uint64_t get_u64(const unsigned char *from);
