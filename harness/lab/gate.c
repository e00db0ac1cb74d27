/* SPDX-License-Identifier: MIT */
#include "harness/lab/gate.h"

#include <string.h>

static bool gate_add(struct path_state *s, struct path_gate gate)
{
    uint16_t at = 0;
    while (at < s->gate_count && s->gates[at].port > gate.port) {
        at++;
    }
    if (at < s->gate_count && s->gates[at].port == gate.port) {
        s->gates[at].way = gate.way < s->gates[at].way ? gate.way : s->gates[at].way;
        return true;
    }
    if (s->gate_count == PATH_GATES_MAX) {
        return false;
    }
    memmove(&s->gates[at + 1], &s->gates[at], (size_t)(s->gate_count - at) * sizeof(gate));
    s->gates[at] = gate;
    s->gate_count++;
    return true;
}

bool gates_add(struct path_state *sum, const struct path_state *wish)
{
    bool room = true;
    for (uint16_t i = 0; i < wish->gate_count; i++) {
        room = gate_add(sum, wish->gates[i]) && room;
    }
    return room;
}

void gates_hide(struct path_state *s)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < s->gate_count; i++) {
        if (!s->cut || s->gates[i].way == GATE_DROP) {
            s->gates[kept++] = s->gates[i];
        }
    }
    s->gate_count = kept;
}

bool gates_same(const struct path_state *a, const struct path_state *b)
{
    struct path_state both;
    gates_common(a, b, &both);
    return both.gate_count == a->gate_count && both.gate_count == b->gate_count;
}

void gates_common(const struct path_state *a, const struct path_state *b, struct path_state *both)
{
    both->gate_count = 0;
    for (uint16_t i = 0; i < a->gate_count; i++) {
        for (uint16_t k = 0; k < b->gate_count; k++) {
            if (a->gates[i].port == b->gates[k].port && a->gates[i].way == b->gates[k].way) {
                both->gates[both->gate_count++] = a->gates[i];
            }
        }
    }
}

const struct path_gate *gate_met(const struct path_gate *gates, size_t n, uint16_t from_port, uint16_t to_port)
{
    for (size_t i = 0; i < n; i++) {
        if (gates[i].port == 0 || gates[i].port == from_port || gates[i].port == to_port) {
            return &gates[i];
        }
    }
    return NULL;
}
