SUITE(sim)
