SUITE(selftest)
