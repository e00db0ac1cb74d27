/* SPDX-License-Identifier: MIT */
/*
 * `drgateway backup`: what an operator does with copies while no store runs on them. Called by main.c with the words
 * from `backup` on; returns the exit code.
 */
#pragma once

int backup_command(int argc, char **argv);
