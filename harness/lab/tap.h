/* SPDX-License-Identifier: MIT */
/*
 * A tap on what a node does with its disk: a process of ours that the kernel asks before each read, write and sync of
 * whoever is attached (seccomp user notification), and that lets it pass, makes it wait, or answers EIO in its stead.
 * When somebody attached is dead, what it had not synced can be undone.
 *
 * The lab owns one per node in runs that need it and attaches the node's processes, whatever program they run, and the
 * guests of its trials. Settings are shared memory: they count from the next call on. Only regular files of the one
 * file system of tap_disk are concerned. Who is attached stays so, and gets ENOSYS when the tap ends: it ends last.
 */
#pragma once
#include "harness/base/child.h"

#include <stdatomic.h>
#include <sys/types.h>

struct err;

enum tap_kind { TAP_NODE, TAP_GUEST, TAP_KINDS };

struct tap_page {
    _Atomic int64_t delay_ns; /* before each call; 0 none */
    _Atomic bool failing, forgetful;
    _Atomic uint64_t disk;    /* st_dev */
    _Atomic unsigned attached[TAP_KINDS], buried[TAP_KINDS]; /* ever; and those whose death has been dealt with */
};

/* What comes with a listener. */
struct tap_letter {
    pid_t who;
    enum tap_kind kind;
};

struct tap {
    struct child process;
    int send_fd; /* by which the attached hand over their listeners */
    struct tap_page *page;
};

int tap_open(struct tap **out, struct err *e);
void tap_close(struct tap *tap); /* NULL is fine */
void tap_disk(struct tap *tap, dev_t disk);

/* In a child of ours: it, and what it becomes, is under the tap from here on. Non-zero: errno says why. */
int tap_attach(struct tap *tap, enum tap_kind kind);
/* Every process of the kind that was ever attached is dead, reaped, and dealt with. */
bool tap_settled(const struct tap *tap, enum tap_kind kind);
int tap_await_settled(const struct tap *tap, enum tap_kind kind, int64_t bound_ns, struct err *e);
/* The tap lives, and the kernel says that the process is filtered. */
bool tap_holds(struct tap *tap, pid_t pid);

/* tap_loop.c: the process behind it. */
_Noreturn void tap_live(int receive_fd, struct tap_page *page);
