/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C by a table of 256 entries, made at the first call (the process has one thread). Integers travel and rest in
 * network byte order, so that a log can be read on any machine.
 */
#include "gateway-under-test/own.h"

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int bit = 0; bit < 8; bit++)
                c = (c & 1) ? (c >> 1) ^ 0x82f63b78u : c >> 1;
            table[i] = c;
        }
    }
    const unsigned char *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < len; i++)
        crc = table[(crc ^ at[i]) & 0xff] ^ (crc >> 8);
    return ~crc;
}

void put_u16(unsigned char *to, uint16_t v)
{
    to[0] = (unsigned char)(v >> 8);
    to[1] = (unsigned char)v;
}

void put_u32(unsigned char *to, uint32_t v)
{
    put_u16(to, (uint16_t)(v >> 16));
    put_u16(to + 2, (uint16_t)v);
}

void put_u64(unsigned char *to, uint64_t v)
{
    put_u32(to, (uint32_t)(v >> 32));
    put_u32(to + 4, (uint32_t)v);
}

uint16_t get_u16(const unsigned char *from)
{
    return (uint16_t)((from[0] << 8) | from[1]);
}

uint32_t get_u32(const unsigned char *from)
{
    return ((uint32_t)get_u16(from) << 16) | get_u16(from + 2);
}

uint64_t get_u64(const unsigned char *from)
{
    return ((uint64_t)get_u32(from) << 32) | get_u32(from + 4);
}
