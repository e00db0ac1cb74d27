/* SPDX-License-Identifier: MIT */
/* Method: one JSON line per push and per heal, written through at once (O_APPEND, fdatasync(2)). */
#include "harness/run/undo.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

struct undo {
    int fd;
};

int undo_open(struct undo **out, const char *run_path, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/undo.jsonl", run_path);
    struct undo *u = xcalloc(1, sizeof(*u));
    *out = u;
    u->fd = open(text_str(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return u->fd < 0 ? err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot write the undo journal") : 0;
}

static void undo_line(struct undo *u, const struct plan_step *step, const char *state, struct err *e)
{
    scoped_json json_t *line = json_pack("{s:i,s:s,s:s,s:s}", "fault", (int)step->id, "do", step->action.type->verb,
                                         "what", step->text, "state", state);
    scoped_free char *text = json_dumps(line, JSON_COMPACT);
    scoped_text struct text out = {0};
    text_addf(&out, "%s\n", text);
    if (write(u->fd, out.at, out.len) != (ssize_t)out.len || fdatasync(u->fd) < 0)
        err_os(e, ERR_OUTPUT, errno, "undo.jsonl", "cannot write the undo journal");
}

void undo_push(struct undo *u, const struct plan_step *step, struct err *e)
{
    undo_line(u, step, "open", e);
}

void undo_done(struct undo *u, const struct plan_step *step, struct err *e)
{
    undo_line(u, step, "healed", e);
}

void undo_close(struct undo *u)
{
    if (!u)
        return;
    fd_close(&u->fd);
    free(u);
}
