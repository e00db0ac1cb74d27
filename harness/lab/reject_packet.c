/* SPDX-License-Identifier: MIT */
/*
 * Resets are numbered as a stack would that knows no such connection (RFC 9293, 3.10.7.1): where the packet
 * acknowledges something, with that number, which is the only one that an established receiver takes; else with zero
 * and an acknowledgement of all that the packet holds, which is what one in SYN_SENT takes.
 *
 * ICMP errors quote the packet's header and the begin of what follows (RFC 1812, 4.3.2.3) and come from the router's
 * first address in the sender's site. Nothing answers an ICMP error or a reset (RFC 1122, 3.2.2), else two of us could
 * talk for ever.
 */
#include "harness/lab/reject_packet.h"

#include <arpa/inet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

#define QUOTED_BYTES 64 /* of what follows the header of a packet */
#define TTL 64

/* A packet taken apart: copies of the headers, so that nothing is read where it is not aligned. */
struct parts {
    struct iphdr ip;
    const unsigned char *packet, *body; /* the IP header; what follows it */
    size_t body_len, header_len;
};

static bool take_apart(const unsigned char *frame, size_t len, struct parts *p)
{
    struct ether_header ether;
    if (len < sizeof(ether) + sizeof(p->ip)) {
        return false;
    }
    memcpy(&ether, frame, sizeof(ether));
    p->packet = frame + sizeof(ether);
    memcpy(&p->ip, p->packet, sizeof(p->ip));
    p->header_len = p->ip.ihl * 4u;
    size_t whole = ntohs(p->ip.tot_len);
    if (ntohs(ether.ether_type) != ETHERTYPE_IP || p->ip.version != 4 || p->header_len < sizeof(p->ip) ||
        whole < p->header_len || whole > len - sizeof(ether) || ntohs(p->ip.frag_off) & IP_OFFMASK) {
        return false;
    }
    p->body = p->packet + p->header_len;
    p->body_len = whole - p->header_len;
    return true;
}

bool reject_read(const unsigned char *frame, size_t len, struct reject_view *v)
{
    struct parts p;
    if (!take_apart(frame, len, &p)) {
        return false;
    }
    *v = (struct reject_view){.to = ntohl(p.ip.daddr)};
    struct tcphdr tcp;
    if (p.ip.protocol == IPPROTO_TCP && p.body_len >= sizeof(tcp)) {
        memcpy(&tcp, p.body, sizeof(tcp));
        v->from_port = ntohs(tcp.source);
        v->to_port = ntohs(tcp.dest);
    }
    return true;
}

static uint32_t sum_of(uint32_t sum, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += (uint32_t)at[i] << 8 | at[i + 1];
    }
    return len % 2 ? sum + ((uint32_t)at[len - 1] << 8) : sum;
}

static uint16_t checksum(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return htons((uint16_t)~sum);
}

/* The headers of the answer, from `from` (network byte order) to the sender; returns where its body goes. */
static unsigned char *begin_answer(const unsigned char *frame, const struct parts *p, uint8_t protocol, uint32_t from,
                                   size_t body_len, unsigned char *out)
{
    struct ether_header ether;
    memcpy(ether.ether_dhost, frame + ETH_ALEN, ETH_ALEN);
    memcpy(ether.ether_shost, frame, ETH_ALEN);
    ether.ether_type = htons(ETHERTYPE_IP);
    struct iphdr ip = {.version = 4, .ihl = sizeof(ip) / 4, .tot_len = htons((uint16_t)(sizeof(ip) + body_len)),
                       .frag_off = htons(IP_DF), .ttl = TTL, .protocol = protocol, .saddr = from, .daddr = p->ip.saddr};
    ip.check = checksum(sum_of(0, &ip, sizeof(ip)));
    memcpy(out, &ether, sizeof(ether));
    memcpy(out + sizeof(ether), &ip, sizeof(ip));
    return out + sizeof(ether) + sizeof(ip);
}

static size_t answer_len(size_t body_len)
{
    return sizeof(struct ether_header) + sizeof(struct iphdr) + body_len;
}

/* What the sender's acknowledgement has to cover: data, SYN and FIN count. */
static uint32_t consumed(const struct parts *p, const struct tcphdr *tcp)
{
    size_t header = tcp->doff * 4u, data = header <= p->body_len ? p->body_len - header : 0;
    return (uint32_t)data + tcp->syn + tcp->fin;
}

static size_t answer_reset(const unsigned char *frame, const struct parts *p, unsigned char *out)
{
    struct tcphdr tcp, reset = {.doff = sizeof(reset) / 4, .rst = 1};
    if (p->body_len < sizeof(tcp)) {
        return 0;
    }
    memcpy(&tcp, p->body, sizeof(tcp));
    if (tcp.rst) {
        return 0;
    }
    reset.source = tcp.dest;
    reset.dest = tcp.source;
    if (tcp.ack) {
        reset.seq = tcp.ack_seq;
    } else {
        reset.ack = 1;
        reset.ack_seq = htonl(ntohl(tcp.seq) + consumed(p, &tcp));
    }
    uint32_t sum = sum_of(0, &p->ip.saddr, sizeof(p->ip.saddr));
    sum = sum_of(sum, &p->ip.daddr, sizeof(p->ip.daddr)) + IPPROTO_TCP + (uint32_t)sizeof(reset);
    reset.check = checksum(sum_of(sum, &reset, sizeof(reset)));
    memcpy(begin_answer(frame, p, IPPROTO_TCP, p->ip.daddr, sizeof(reset), out), &reset, sizeof(reset));
    return answer_len(sizeof(reset));
}

static bool is_icmp_error(const struct parts *p)
{
    return p->ip.protocol == IPPROTO_ICMP && (p->body_len == 0 || p->body[0] != ICMP_ECHO);
}

static size_t answer_icmp(const unsigned char *frame, const struct parts *p, uint8_t code, unsigned char *out)
{
    size_t quoted = p->header_len + (p->body_len < QUOTED_BYTES ? p->body_len : QUOTED_BYTES);
    unsigned char icmp[ICMP_MINLEN] = {ICMP_DEST_UNREACH, code}; /* checksum and four unused bytes follow */
    uint32_t router = htonl((ntohl(p->ip.saddr) & 0xffff0000u) | 0x0101u);
    if (is_icmp_error(p) || p->body_len < ICMP_MINLEN) {
        return 0;
    }
    uint16_t check = checksum(sum_of(sum_of(0, icmp, sizeof(icmp)), p->packet, quoted));
    memcpy(icmp + 2, &check, sizeof(check));
    unsigned char *body = begin_answer(frame, p, IPPROTO_ICMP, router, sizeof(icmp) + quoted, out);
    memcpy(body, icmp, sizeof(icmp));
    memcpy(body + sizeof(icmp), p->packet, quoted);
    return answer_len(sizeof(icmp) + quoted);
}

size_t reject_answer(const unsigned char *frame, size_t len, enum gate_way way, unsigned char out[REJECT_BYTES])
{
    struct parts p;
    if (!take_apart(frame, len, &p)) {
        return 0;
    }
    if (way == GATE_UNREACHABLE) {
        return answer_icmp(frame, &p, ICMP_NET_UNREACH, out);
    }
    if (way != GATE_REFUSE) {
        return 0;
    }
    return p.ip.protocol == IPPROTO_TCP   ? answer_reset(frame, &p, out)
           : p.ip.protocol == IPPROTO_UDP ? answer_icmp(frame, &p, ICMP_PORT_UNREACH, out)
                                          : 0;
}
