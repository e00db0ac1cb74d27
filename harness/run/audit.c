/* SPDX-License-Identifier: MIT */
/*
 * What the kernel takes down in its own time is given a second: only what stays is a finding. The findings are one line
 * of the timeline, since they become the sentence of one check.
 */
#include "harness/run/audit.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/lab/residue.h"
#include <poll.h>
#include <string.h>

#define SETTLE_NS (1 * NS_PER_S)
#define LOOK_AGAIN_MS 50

static void one_line(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    for (char *at = text; *at; at++)
        if (*at == '\n')
            *at = ';';
}

static void audit_note(struct drill *d, const char *when, int64_t at_ns, const char *found, const char *clean)
{
    struct event ev = {.kind = EVENT_RESIDUE, .at_ns = at_ns, .end_ns = at_ns, .subject = when,
                       .outcome = found[0] ? "dirty" : "clean", .detail = found[0] ? found : clean};
    record_add(&d->rec, &ev);
}

void audit_begin(struct audit *a, struct drill *d)
{
    a->begun_at_ns = record_tick(&d->rec);
    if (d->ops->residue_begin)
        d->ops->residue_begin(&a->residue, d->options->run_path, a->left, sizeof(a->left), &a->failed);
    one_line(a->left);
}

void audit_before(struct audit *a, struct drill *d)
{
    if (d->ops->residue_begin)
        audit_note(d, "before", a->begun_at_ns, a->failed.kind ? a->failed.msg : a->left,
                   "nothing of an earlier run is left");
}

void audit_after(struct audit *a, struct drill *d)
{
    char found[1024] = "";
    int64_t until_ns = clock_mono_ns() + SETTLE_NS;
    drill_phase(d, "audit");
    while (a->residue && residue_look(a->residue, found, sizeof(found), &a->failed) == 0 && found[0] &&
           clock_mono_ns() < until_ns)
        poll(NULL, 0, LOOK_AGAIN_MS);
    residue_end(a->residue);
    a->residue = NULL;
    one_line(found);
    audit_note(d, NULL, record_now(&d->rec), a->failed.kind ? a->failed.msg : found, "nothing left behind");
}
