/* SPDX-License-Identifier: MIT */
/*
 * TLS in the netns lab: an authority per run, a bundle per gateway. The root lies beside the nodes' folders on the
 * lab's private disk, where the customers' processes, being ours, can read it; keys never leave that disk.
 */
#include "harness/lab/netns.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int netns_tls_open(struct netns_lab *l, struct err *e)
{
    scoped_text struct text path = {0};
    if (!l->topo->tls) {
        return 0;
    }
    text_addf(&path, "%s/authority.pem", l->cell.disk);
    l->authority_path = text_steal(&path);
    if (authority_new(&l->authority, e) != 0) {
        return -1;
    }
    const char *root = authority_root(l->authority);
    return file_replace(l->authority_path, root, strlen(root), e);
}

void netns_tls_close(struct netns_lab *l)
{
    handshake_list_close(&l->handshakes);
    authority_free(steal(&l->authority));
    free(steal(&l->authority_path));
}

int netns_tls_issue(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                    struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    const struct topo_node *n = &l->topo->nodes[node];
    if (!l->authority || n->role != NODE_GATEWAY) {
        return err_set(e, ERR_MEANING, n->name, "it has no certificate");
    }
    return authority_issue(l->authority, n->name, n->address, kind, bundle, fingerprint, e);
}

int netns_tls_furnish(struct netns_lab *l, uint16_t node, struct err *e)
{
    char fingerprint[FINGERPRINT_LEN];
    scoped_text struct text bundle = {0};
    if (!l->authority || l->topo->nodes[node].role != NODE_GATEWAY) {
        return 0;
    }
    if (netns_tls_issue(&l->lab, node, CERTIFICATE_ROTATED, &bundle, fingerprint, e) != 0) {
        return -1;
    }
    return netns_tls_set(&l->lab, node, text_str(&bundle), e);
}

const char *netns_tls_authority(struct lab *lab)
{
    return netns_of(lab)->authority_path;
}

int netns_handshake(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                    struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    if (!l->authority) {
        return err_set(e, ERR_MEANING, l->topo->nodes[to].name, "it speaks no TLS");
    }
    struct handshake_order order = {.loop = l->loop,
                                    .zero_ns = lab->zero_ns,
                                    .timeout_ns = timeout_ns,
                                    .customer = authority_customer(l->authority),
                                    .done = done,
                                    .arg = arg};
    order.to = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons(TOPO_PORT_HTTPS),
                                    .sin_addr = {htonl(netns_address(l, to))}};
    int fd = netns_socket(l, l->nodes[from].fd, SOCK_STREAM, e);
    return fd < 0 ? -1 : handshake_start(&l->handshakes, fd, &order, e);
}
