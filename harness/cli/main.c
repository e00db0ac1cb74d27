/* SPDX-License-Identifier: MIT */
/*
 * drtest: what all commands have in common.
 *
 * Order of things: descriptors 0 to 2 are made sure of, SIGPIPE is ignored (a reader that goes away is an error of
 * write, not the end of a drill), the command is found, its options are read by its table together with the global one,
 * settings fill what the command line left open, and the command runs. Standard output is flushed and checked last:
 * a result that could not be printed must not end with 0.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A descriptor 0 to 2 that the caller closed would be given to the next file opened, and messages written into it. */
static int open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            if (open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd) {
                return -1;
            }
        }
    }
    return 0;
}

static const struct command *find_command(const char *name, struct err *e)
{
    const char *names[64];
    size_t n = 0;
    for (; commands[n]; n++) {
        names[n] = commands[n]->name;
        if (text_eq(names[n], name)) {
            return commands[n];
        }
    }
    const char *near = text_nearest(name, names, n);
    err_set(e, ERR_USAGE, "command line", "unknown command `%s`", name);
    if (near) {
        err_help(e, "did you mean `drtest %s`?", near);
    } else {
        err_help(e, "`drtest --help` lists the commands");
    }
    return NULL;
}

static int check_empty_operands(const struct option_list *operands, struct err *e)
{
    for (size_t i = 0; i < operands->len; i++) {
        if (!*operands->at[i]) {
            err_set(e, ERR_USAGE, "command line", "operand %zu is empty", i + 1);
            return err_help(e, "name a file or a folder; the current folder is `.`");
        }
    }
    return 0;
}

static int check_operands(const struct call *c, struct err *e)
{
    const struct command *k = c->command;
    if (c->operands.len < k->operands_min) {
        err_set(e, ERR_USAGE, "command line", "`drtest %s` needs %s", k->name, k->operands);
    } else if (c->operands.len > k->operands_max) {
        err_set(e, ERR_USAGE, "command line", "`drtest %s` has no use for `%s`", k->name,
                c->operands.at[k->operands_max]);
    } else {
        return check_empty_operands(&c->operands, e);
    }
    return err_help(e, "`drtest %s --help` shows how", k->name);
}

static void set_faces(struct call *c)
{
    const char *color = c->globals.no_color ? "never" : c->globals.color;
    c->out = face_of(STDOUT_FILENO, color);
    c->err = face_of(STDERR_FILENO, color);
}

/* The command is known: read its words and run it. */
static int dispatch(struct call *c, char *const *words, struct err *e)
{
    if (options_parse(c->sets, array_len(c->sets), words, false, &c->operands, e) < 0) {
        return -1;
    }
    if (c->globals.help) {
        help_print(c->command);
        return 0;
    }
    if (c->globals.version) {
        version_print(c->globals.json);
        return 0;
    }
    set_faces(c);
    int code = settings_apply(c);
    if (code) {
        return code;
    }
    set_faces(c);
    return check_operands(c, e) < 0 ? -1 : c->command->run(c);
}

/* The words up to the command may only be global options. Returns the exit code, -1 on failure. */
static int serve(struct call *c, int argc, char **argv, struct err *e)
{
    scoped_free enum option_origin *global_origins = xcalloc(global_option_count, sizeof(*global_origins));
    c->sets[1] = (struct option_set){global_options, global_option_count, &c->globals, global_origins};
    options_init(&c->sets[1]);
    struct option_list before = {0};
    int rc = argc > 0 ? options_parse(&c->sets[1], 1, argv + 1, true, &before, e) : 0;
    const char *name = before.len > 0 ? before.at[0] : NULL;
    char *const *words = argc > 0 ? argv + argc - (before.len > 0 ? before.len - 1 : 0) : NULL;
    option_list_deinit(&before);
    set_faces(c);
    if (rc < 0) {
        return -1;
    }
    if (c->globals.version && !name) {
        version_print(c->globals.json);
        return 0;
    }
    if (text_eq(name, "help")) {
        c->globals.help = true;
        name = *words;
        words += name != NULL;
    }
    if (!name && c->globals.help) {
        help_print(NULL);
        return 0;
    }
    if (!name) {
        err_set(e, ERR_USAGE, "command line", "no command is given");
        return err_help(e, "`drtest --help` lists the commands");
    }
    c->command = find_command(name, e);
    if (!c->command) {
        return -1;
    }
    if (c->globals.help) {
        help_print(c->command);
        return 0;
    }
    if (c->command->raw) {
        c->words = words;
        return c->command->run(c);
    }
    scoped_free void *flags = xcalloc(1, c->command->flags_size + 1);
    scoped_free enum option_origin *origins = xcalloc(c->command->option_count + 1, sizeof(*origins));
    c->flags = flags;
    c->sets[0] = (struct option_set){c->command->options, c->command->option_count, flags, origins};
    options_init(&c->sets[0]);
    rc = dispatch(c, words, e);
    options_deinit(&c->sets[0]);
    return rc;
}

/* Who closes the pipe has seen enough (`drtest export latest | head`): the exit code says so, and no message. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

int main(int argc, char **argv)
{
    if (open_standard_descriptors() < 0) {
        return 4;
    }
    signal(SIGPIPE, SIG_IGN);
    setlocale(LC_CTYPE, "");
    struct err e = {0};
    union { /* argv is const to everyone from here on */
        char **in;
        const char *const *out;
    } all = {.in = argv};
    struct call c = {.argv = all.out};
    int rc = serve(&c, argc, argv, &e);
    if (rc < 0) {
        rc = say_error(&c.err, &e);
    }
    option_list_deinit(&c.operands);
    arena_deinit(&c.arena);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        struct err out = {0};
        err_set(&out, ERR_OUTPUT, "standard output", "the result could not be written");
        rc = rc != 0 ? rc : reader_left() ? 4 : say_error(&c.err, &out);
    }
    return rc;
}
