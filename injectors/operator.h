/* SPDX-License-Identifier: MIT */
/*
 * What an operator does on purpose: an action, not a fault. It is neither proven nor healed. Rows of injectors of the
 * class ACTION_OPERATOR (fail_over.c, revoke.c) name these.
 */
#pragma once
#include "injectors/injector.h"

int operator_heal(struct injection *in, struct err *e);       /* nothing to do */
enum proof operator_prove(struct injection *in, bool healed); /* proven, and says what it is */
