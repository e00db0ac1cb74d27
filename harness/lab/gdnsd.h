/* SPDX-License-Identifier: MIT */
/*
 * Driver of gdnsd, a DNS server that checks health by itself: what its node is to do (one JSON document, made by
 * render_config) turned into its own files. Pure but for gdnsd_is_there.
 */
#pragma once
#include "harness/base/text.h"
#include <jansson.h>
#include <stdbool.h>

struct err;

#define GDNSD_PATH "/usr/sbin/gdnsd"
#define GDNSD_CONTROL_PATH "/usr/bin/gdnsdctl"
#define GDNSD_NOWHERE "192.0.2.1" /* the answer `other`: an address that is nobody's (RFC 5737) */
#define GDNSD_CONTROL_NAME "control" /* a name of the zone that no fault touches, */
#define GDNSD_CONTROL_ADDRESS "192.0.2.53" /* and its address */

struct gdnsd_files {
    struct text config, zone, admin_state;
};
void gdnsd_files_deinit(struct gdnsd_files *f);

bool gdnsd_is_there(void);
/* prefix: the folder that holds run/ and state/, as gdnsd sees it. */
int gdnsd_render(const json_t *doc, const char *prefix, struct gdnsd_files *out, struct err *e);
