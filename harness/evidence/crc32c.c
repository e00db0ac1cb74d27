/* SPDX-License-Identifier: MIT */
/*
 * The polynomial 0x1EDC6F41, reflected 0x82F63B78, initial value and final inversion all ones.
 *
 * x86-64 processors with SSE 4.2 have an instruction for it, asked for at run time so that one binary runs anywhere.
 * Everything else uses eight tables of 256 entries ("slicing by 8", Kounavis and Berry 2005): table[n][b] is what
 * byte b adds to the remainder when n more bytes follow, so eight bytes are folded by eight independent look-ups.
 * The tables are computed at first use; two threads doing so at once write the same values.
 */
#include "harness/evidence/crc32c.h"

#include <stdbool.h>
#include <string.h>

static uint32_t table[8][256];

static void make_tables(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t r = b;
        for (int bit = 0; bit < 8; bit++) {
            r = (r >> 1) ^ (r & 1 ? UINT32_C(0x82F63B78) : 0);
        }
        table[0][b] = r;
    }
    for (int n = 1; n < 8; n++) {
        for (size_t b = 0; b < 256; b++) {
            uint32_t before = table[n - 1][b];
            table[n][b] = (before >> 8) ^ table[0][before & 0xff];
        }
    }
}

static uint32_t fold_byte(uint32_t r, uint8_t byte)
{
    return (r >> 8) ^ table[0][(r ^ byte) & 0xff];
}

uint32_t crc32c_tables(const void *bytes, size_t len)
{
    if (table[0][1] == 0) {
        make_tables();
    }
    const uint8_t *p = bytes;
    uint32_t r = UINT32_MAX;
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t low = r ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        r = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^ table[5][(low >> 16) & 0xff] ^ table[4][low >> 24] ^
            table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    while (len-- > 0) {
        r = fold_byte(r, *p++);
    }
    return ~r;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t r = UINT32_MAX;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        r = _mm_crc32_u64(r, word);
    }
    while (len-- > 0) {
        r = _mm_crc32_u8((uint32_t)r, *p++);
    }
    return ~(uint32_t)r;
}

uint32_t crc32c(const void *bytes, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_instruction(bytes, len) : crc32c_tables(bytes, len);
}
#else
uint32_t crc32c(const void *bytes, size_t len)
{
    return crc32c_tables(bytes, len);
}
#endif
