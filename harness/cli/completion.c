/* SPDX-License-Identifier: MIT */
/*
 * drtest completion SHELL: what makes bash, zsh or fish complete commands, options and their values.
 *
 * Method: written from the tables that parser and --help read, so that it cannot know an option that does not exist.
 * What follows an option comes from its row: one of its choices, a folder, a file, or nothing in particular. Operands
 * are files but for the few commands that say what theirs are.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"

#include <stdio.h>
#include <string.h>

/* Commands whose first operand is a word out of few. */
static const struct {
    const char *command, *words;
} operand_words[] = {
    {"ci", "github gitlab jenkins systemd cron"},
    {"completion", "bash zsh fish"},
    {"schema", "scenario result history suite"},
};

static const char *first_operands(const struct command *c)
{
    for (size_t i = 0; i < array_len(operand_words); i++) {
        if (text_eq(operand_words[i].command, c->name)) {
            return operand_words[i].words;
        }
    }
    return NULL;
}

static bool takes_folder(const struct option_row *row)
{
    return text_eq(row->value, "DIR");
}

static bool takes_file(const struct option_row *row)
{
    return text_eq(row->value, "FILE");
}

/* The rows of a command and then those of all; NULL after the last. */
static const struct option_row *row_at(const struct command *c, size_t i)
{
    size_t own = c->raw ? 0 : c->option_count, shared = c->raw ? 0 : global_option_count;
    return i < own ? &c->options[i] : i < own + shared ? &global_options[i - own] : NULL;
}

static void add_choices(struct text *out, const struct option_row *row)
{
    for (size_t i = 0; row->choices && row->choices[i]; i++) {
        text_addf(out, "%s%s", i ? " " : "", row->choices[i]);
    }
}

static void add_names(struct text *out, const char *between)
{
    for (size_t i = 0; commands[i]; i++) {
        text_addf(out, "%s%s", i ? between : "", commands[i]->name);
    }
}

/* Text inside single quotes; zsh's brackets and colons would end a description. */
static void add_quoted(struct text *out, const char *s, const char *unwanted)
{
    for (; *s; s++) {
        text_add_bytes(out, *s == '\'' || strchr(unwanted, *s) ? " " : s, 1);
    }
}

static void bash_values(struct text *out, const struct command *c)
{
    const struct option_row *row;
    for (size_t i = 0; (row = row_at(c, i)); i++) {
        if (row->kind == OPTION_SWITCH) {
            continue;
        }
        text_addf(out, "    %s:--%s", c->name, row->name);
        if (row->letter) {
            text_addf(out, " | %s:-%c", c->name, row->letter);
        }
        if (row->choices) {
            text_add(out, ") COMPREPLY=($(compgen -W '");
            add_choices(out, row);
            text_add(out, "' -- \"$word\")); return ;;\n");
        } else if (takes_folder(row) || takes_file(row)) {
            text_addf(out, ") COMPREPLY=($(compgen %s -- \"$word\")); return ;;\n", takes_folder(row) ? "-d" : "-f");
        } else {
            text_add(out, ") return ;;\n");
        }
    }
}

static void bash_options(struct text *out, const struct command *c)
{
    const struct option_row *row;
    text_addf(out, "        %s) COMPREPLY=($(compgen -W '", c->name);
    for (size_t i = 0; (row = row_at(c, i)); i++) {
        text_addf(out, "%s--%s", i ? " " : "", row->name);
    }
    text_add(out, "' -- \"$word\")) ;;\n");
}

static void bash(struct text *out)
{
    text_add(out, "# bash completion of drtest, made by `drtest completion bash`\n_drtest()\n{\n"
                  "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= first= i\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        case ${COMP_WORDS[i]} in\n        ");
    add_names(out, " | ");
    text_add(out, ") command=${COMP_WORDS[i]} first=$((i + 1)); break ;;\n        esac\n    done\n"
                  "    case $command:$before in\n");
    for (size_t i = 0; commands[i]; i++) {
        bash_values(out, commands[i]);
    }
    text_add(out, "    esac\n    case $word in\n    -*)\n        case $command in\n");
    for (size_t i = 0; commands[i]; i++) {
        bash_options(out, commands[i]);
    }
    text_add(out, "        esac\n        return ;;\n    esac\n    case $command in\n    '') COMPREPLY=($(compgen -W '");
    add_names(out, " ");
    text_add(out, "' -- \"$word\")) ;;\n");
    for (size_t i = 0; commands[i]; i++) {
        if (first_operands(commands[i])) {
            text_addf(out,
                      "    %s) [ \"$COMP_CWORD\" -eq \"$first\" ] && COMPREPLY=($(compgen -W '%s' -- \"$word\")) ;;\n",
                      commands[i]->name, first_operands(commands[i]));
        }
    }
    text_add(out, "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n    esac\n}\n"
                  "complete -o filenames -F _drtest drtest\n");
}

static void zsh_row(struct text *out, const char *dashes, const char *name, const struct option_row *row)
{
    text_addf(out, " \\\n            '%s%s[", dashes, name);
    add_quoted(out, row->help, "[]:");
    text_add(out, "]");
    if (row->kind != OPTION_SWITCH) {
        text_addf(out, ":%s:", row->value ? row->value : "value");
        if (row->choices) {
            text_add(out, "(");
            add_choices(out, row);
            text_add(out, ")");
        } else {
            text_add(out, takes_folder(row) ? "_files -/" : takes_file(row) ? "_files" : " ");
        }
    }
    text_add(out, "'");
}

static void zsh(struct text *out)
{
    text_add(out, "#compdef drtest\n# zsh completion of drtest, made by `drtest completion zsh`\n_drtest()\n{\n"
                  "    local -a commands\n    commands=(\n");
    for (size_t i = 0; commands[i]; i++) {
        text_addf(out, "        '%s:", commands[i]->name);
        add_quoted(out, commands[i]->summary, "");
        text_add(out, "'\n");
    }
    text_add(out, "    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n    fi\n"
                  "    shift words\n    ((CURRENT--))\n    case $words[1] in\n");
    for (size_t i = 0; commands[i]; i++) {
        const struct option_row *row;
        text_addf(out, "    %s)\n        _arguments", commands[i]->name);
        for (size_t k = 0; (row = row_at(commands[i], k)); k++) {
            char letter[2] = {row->letter, '\0'};
            if (row->letter) {
                zsh_row(out, "-", letter, row);
            }
            zsh_row(out, "--", row->name, row);
        }
        if (first_operands(commands[i])) {
            text_addf(out, " \\\n            '1:kind:(%s)'", first_operands(commands[i]));
        }
        text_add(out, " \\\n            '*:file:_files'\n        ;;\n");
    }
    text_add(out, "    esac\n}\n_drtest \"$@\"\n");
}

static void fish_row(struct text *out, const struct command *c, const struct option_row *row)
{
    text_addf(out, "complete -c drtest -n '__fish_seen_subcommand_from %s' -l %s", c->name, row->name);
    if (row->letter) {
        text_addf(out, " -s %c", row->letter);
    }
    if (row->choices) {
        text_add(out, " -x -a '");
        add_choices(out, row);
        text_add(out, "'");
    } else if (row->kind != OPTION_SWITCH) {
        text_add(out, takes_folder(row) ? " -x -a '(__fish_complete_directories)'" : takes_file(row) ? " -r" : " -x");
    }
    text_add(out, " -d '");
    add_quoted(out, row->help, "");
    text_add(out, "'\n");
}

static void fish(struct text *out)
{
    text_add(out, "# fish completion of drtest, made by `drtest completion fish`\n");
    for (size_t i = 0; commands[i]; i++) {
        text_addf(out, "complete -c drtest -n __fish_use_subcommand -f -a %s -d '", commands[i]->name);
        add_quoted(out, commands[i]->summary, "");
        text_add(out, "'\n");
        if (first_operands(commands[i])) {
            text_addf(out, "complete -c drtest -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", commands[i]->name,
                      first_operands(commands[i]));
        }
        const struct option_row *row;
        for (size_t k = 0; (row = row_at(commands[i], k)); k++) {
            fish_row(out, commands[i], row);
        }
    }
}

static const struct {
    const char *name;
    void (*print)(struct text *out);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static int run(struct call *c)
{
    const char *wanted = c->operands.at[0];
    struct err e = {0};
    for (size_t i = 0; i < array_len(shells); i++) {
        if (text_eq(shells[i].name, wanted)) {
            scoped_text struct text out = {0};
            shells[i].print(&out);
            fputs(text_str(&out), stdout);
            return 0;
        }
    }
    err_set(&e, ERR_USAGE, "command line", "no shell is called `%.60s`", wanted);
    err_help(&e, "write one of bash, zsh, fish");
    return say_error(&c->err, &e);
}

const struct command command_completion = {
    .name = "completion",
    .operands = "SHELL",
    .summary = "what makes bash, zsh or fish complete the words of drtest",
    .text = "For this shell only: `. <(drtest completion bash)`. For all: put it where your shell looks, such as "
            "/usr/share/bash-completion/completions/drtest, or a folder of zsh's $fpath under the name _drtest, or "
            "~/.config/fish/completions/drtest.fish.",
    .exits = "0 2",
    .operands_min = 1,
    .operands_max = 1,
    .run = run};
