SUITE(ask)
SUITE(caps)
SUITE(fabric)
SUITE(render)
