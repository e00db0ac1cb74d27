/* SPDX-License-Identifier: MIT */
SUITE(ask)
SUITE(caps)
SUITE(fabric)
SUITE(host)
SUITE(render)
SUITE(shape)
SUITE(wire_queue)
SUITE(wire_shape)
