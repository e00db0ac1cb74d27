/* SPDX-License-Identifier: MIT */
/* Frames made by hand, and what is said to their senders. */
#include "harness/lab/reject_packet.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

struct frame {
    struct ether_header ether;
    struct iphdr ip;
    union {
        struct tcphdr tcp;
        struct icmphdr icmp;
        unsigned char bytes[100];
    };
} __attribute__((packed));

static struct frame packet(uint8_t protocol, size_t body_len)
{
    return (struct frame){.ether = {.ether_dhost = {2, 0, 0, 0, 0, 1},
                                    .ether_shost = {2, 0, 0, 0, 0, 2},
                                    .ether_type = htons(ETHERTYPE_IP)},
                          .ip = {.version = 4,
                                 .ihl = 5,
                                 .protocol = protocol,
                                 .saddr = htonl(0x0a010202),
                                 .daddr = htonl(0x0a020102),
                                 .tot_len = htons((uint16_t)(sizeof(struct iphdr) + body_len))}};
}

static struct frame segment(uint32_t seq, uint32_t ack, bool syn, size_t data)
{
    struct frame f = packet(IPPROTO_TCP, sizeof(f.tcp) + data);
    f.tcp = (struct tcphdr){
        .source = htons(40000), .dest = htons(8080), .seq = htonl(seq), .ack_seq = htonl(ack), .doff = 5};
    f.tcp.syn = syn;
    f.tcp.ack = ack != 0;
    return f;
}

static size_t answer(const struct frame *f, enum gate_way way, struct frame *out)
{
    unsigned char bytes[REJECT_BYTES];
    size_t n = reject_answer((const unsigned char *)f, sizeof(*f), way, bytes);
    memcpy(out, bytes, sizeof(*out) < n ? sizeof(*out) : n);
    return n;
}

/* The Internet checksum over what holds its own checksum is zero. */
static uint16_t sum_over(uint32_t sum, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void what_is_read(void)
{
    struct frame f = segment(1000, 0, true, 0);
    struct reject_view v;
    CU_ASSERT_TRUE(reject_read((const unsigned char *)&f, sizeof(f), &v));
    CU_ASSERT(v.to == 0x0a020102 && v.from_port == 40000 && v.to_port == 8080);
    f = packet(IPPROTO_UDP, 20);
    CU_ASSERT_TRUE(reject_read((const unsigned char *)&f, sizeof(f), &v));
    CU_ASSERT(v.from_port == 0 && v.to_port == 0);
    f.ip.frag_off = htons(8); /* a later fragment has no ports */
    CU_ASSERT_FALSE(reject_read((const unsigned char *)&f, sizeof(f), &v));
    f = packet(IPPROTO_UDP, 200); /* longer than what is there */
    CU_ASSERT_FALSE(reject_read((const unsigned char *)&f, sizeof(f), &v));
    f = segment(1, 0, true, 0);
    f.ip.ihl = 4;
    CU_ASSERT_FALSE(reject_read((const unsigned char *)&f, sizeof(f), &v));
    for (size_t len = 0; len < sizeof(f.ether) + sizeof(f.ip); len++) {
        CU_ASSERT_FALSE(reject_read((const unsigned char *)&f, len, &v));
    }
}

static void check_headers(const struct frame *f, const struct frame *r, uint8_t protocol)
{
    CU_ASSERT_EQUAL(memcmp(r->ether.ether_dhost, f->ether.ether_shost, ETH_ALEN), 0);
    CU_ASSERT_EQUAL(memcmp(r->ether.ether_shost, f->ether.ether_dhost, ETH_ALEN), 0);
    CU_ASSERT(r->ip.protocol == protocol && r->ip.daddr == f->ip.saddr);
    CU_ASSERT_EQUAL(sum_over(0, &r->ip, sizeof(r->ip)), 0);
}

static void resets(void)
{
    struct frame syn = segment(1000, 0, true, 0), data = segment(1000, 77, false, 10), r;
    CU_ASSERT_EQUAL(answer(&syn, GATE_REFUSE, &r), sizeof(r.ether) + sizeof(r.ip) + sizeof(r.tcp));
    check_headers(&syn, &r, IPPROTO_TCP);
    CU_ASSERT(r.ip.saddr == syn.ip.daddr && r.tcp.source == htons(8080) && r.tcp.dest == htons(40000));
    CU_ASSERT(r.tcp.rst && r.tcp.ack && ntohl(r.tcp.ack_seq) == 1001 && r.tcp.seq == 0);
    uint32_t pseudo = 0x0a02 + 0x0102 + 0x0a01 + 0x0202 + IPPROTO_TCP + sizeof(r.tcp);
    CU_ASSERT_EQUAL(sum_over(pseudo, &r.tcp, sizeof(r.tcp)), 0);
    answer(&data, GATE_REFUSE, &r);
    CU_ASSERT(r.tcp.rst && !r.tcp.ack && ntohl(r.tcp.seq) == 77);
    CU_ASSERT_EQUAL(sum_over(pseudo, &r.tcp, sizeof(r.tcp)), 0);
}

static void icmp(void)
{
    struct frame f = segment(1000, 0, true, 0), r;
    size_t quoted = sizeof(f.ip) + sizeof(f.tcp);
    CU_ASSERT_EQUAL(answer(&f, GATE_UNREACHABLE, &r), sizeof(r.ether) + sizeof(r.ip) + sizeof(r.icmp) + quoted);
    check_headers(&f, &r, IPPROTO_ICMP);
    CU_ASSERT_EQUAL(ntohl(r.ip.saddr), 0x0a010101);
    CU_ASSERT(r.icmp.type == ICMP_DEST_UNREACH && r.icmp.code == ICMP_NET_UNREACH);
    CU_ASSERT_EQUAL(memcmp(r.bytes + sizeof(r.icmp), &f.ip, quoted), 0);
    CU_ASSERT_EQUAL(sum_over(0, r.bytes, sizeof(r.icmp) + quoted), 0);
    f = packet(IPPROTO_UDP, 12);
    CU_ASSERT_TRUE(answer(&f, GATE_REFUSE, &r) > 0);
    CU_ASSERT_EQUAL(r.icmp.code, ICMP_PORT_UNREACH);
    f = packet(IPPROTO_UDP, sizeof(f.bytes)); /* quoted in part */
    CU_ASSERT_TRUE(answer(&f, GATE_UNREACHABLE, &r) < REJECT_BYTES);
}

static void what_is_not_answered(void)
{
    struct frame f = segment(1, 1, false, 0), r;
    CU_ASSERT_EQUAL(answer(&f, GATE_DROP, &r), 0);
    f.tcp.rst = 1;
    CU_ASSERT_EQUAL(answer(&f, GATE_REFUSE, &r), 0);
    f = packet(IPPROTO_ICMP, 40);
    f.icmp.type = ICMP_DEST_UNREACH;
    CU_ASSERT_EQUAL(answer(&f, GATE_UNREACHABLE, &r), 0);
    CU_ASSERT_EQUAL(answer(&f, GATE_REFUSE, &r), 0);
    f.icmp.type = ICMP_ECHO;
    CU_ASSERT_TRUE(answer(&f, GATE_UNREACHABLE, &r) > 0);
    f = packet(IPPROTO_TCP, 12); /* half a header */
    CU_ASSERT_EQUAL(answer(&f, GATE_REFUSE, &r), 0);
}

void suite_reject_packet(void)
{
    runner_suite(NULL, NULL);
    runner_test(what_is_read);
    runner_test(resets);
    runner_test(icmp);
    runner_test(what_is_not_answered);
}
