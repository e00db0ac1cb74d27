/* SPDX-License-Identifier: MIT */
/* The page of a suite's folder: report.html beside suite.json. Used after a suite has run, and by `report`. */
#pragma once
#include <stdbool.h>

struct err;

bool suite_page_is(const char *folder); /* there is a suite.json in it */
/* From suite.json, the results of its runs beside the folder, and their history. */
int suite_page_write(const char *folder, struct err *e);
