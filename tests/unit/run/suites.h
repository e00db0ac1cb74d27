SUITE(schedule)
