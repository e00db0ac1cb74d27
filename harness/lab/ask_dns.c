/* SPDX-License-Identifier: MIT */
/*
 * c-ares makes the query and reads the answer; what travels and when is ours. The socket is connected, so that an
 * answer comes from the server that was asked; the identifier need not be a secret then, and is always the same.
 */
#include "harness/lab/ask_dns.h"

#include "harness/base/scoped.h"
#include "harness/spec/topology.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdlib.h>

enum { QUERY_ID = 0xD7, ADDRESSES_MAX = 64 };

void ask_dns_query(struct text *out, const char *name)
{
    scoped_text struct text full = {0};
    unsigned char *bytes = NULL;
    int len = 0;
    text_addf(&full, "%s.%s", name, TOPO_DNS_ZONE);
    if (ares_create_query(text_str(&full), ns_c_in, ns_t_a, QUERY_ID, 0, &bytes, &len, 0) == ARES_SUCCESS) {
        text_add_bytes(out, bytes, (size_t)len);
        ares_free_string(bytes);
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = ntohl(((const struct ares_addrttl *)a)->ipaddr.s_addr),
             y = ntohl(((const struct ares_addrttl *)b)->ipaddr.s_addr);
    return x < y ? -1 : x > y;
}

json_t *ask_dns_body(const struct text *answer)
{
    const unsigned char *bytes = (const unsigned char *)text_str(answer);
    struct ares_addrttl found[ADDRESSES_MAX];
    int n = ADDRESSES_MAX, ttl = 0;
    if (answer->len < NS_HFIXEDSZ || bytes[0] != 0 || bytes[1] != QUERY_ID || !(bytes[2] & 0x80)) {
        return NULL;
    }
    int rcode = bytes[3] & 15;
    if (rcode != 0 || ares_parse_a_reply(bytes, (int)answer->len, NULL, found, &n) != ARES_SUCCESS) {
        n = 0;
    }
    qsort(found, (size_t)n, sizeof(*found), by_number);
    json_t *addresses = json_array();
    for (int i = 0; i < n; i++) {
        char text[INET_ADDRSTRLEN];
        json_array_append_new(addresses, json_string(inet_ntop(AF_INET, &found[i].ipaddr, text, sizeof(text))));
        ttl = i == 0 || found[i].ttl < ttl ? found[i].ttl : ttl;
    }
    return json_pack("{s:i, s:o, s:i}", "rcode", rcode, "answer", addresses, "ttl", ttl);
}
