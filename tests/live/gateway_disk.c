/* SPDX-License-Identifier: MIT */
/*
 * The bundled store on a disk that is lost or does not take anything, with real processes on loopback: gateway_disk
 * DRGATEWAY NAME, the names being listed at the end. Exit code 0 or a message.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPS = 20 };

static struct stage stage;
static struct reply answer;

static void write_some(void)
{
    for (int i = 0; i < OPS; i++) {
        char op[16];
        (void)snprintf(op, sizeof(op), "c0-%d", i);
        check(write_op(stage_port(&stage, GATE_US), op, "k1", &answer) == 200);
    }
}

static size_t stored(enum stage_node n)
{
    scoped_json json_t *ops = all_ops(&stage, n);
    return json_array_size(ops);
}

static json_int_t last_lsn(enum stage_node n)
{
    scoped_json json_t *status = status_of(&stage, n);
    return json_integer_value(json_object_get(status, "lsn"));
}

static void in_data(enum stage_node n, const char *name, char path[160])
{
    char folder[128];
    stage_path(&stage, n, "d", folder);
    (void)snprintf(path, 160, "%s/%s", folder, name);
}

/* Both stores die, the leader with its disk, and come back after its lease: who still has the writes leads. */
static void lost(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = true, .every_ms = 20});
    write_some();
    stage_kill(&stage, STORE_US);
    stage_kill(&stage, STORE_EU);
    for (size_t i = 0; i < 2; i++) {
        char path[160];
        in_data(STORE_US, (const char *const[]){"epoch", "orders.log"}[i], path);
        check(unlink(path) == 0);
    }
    stage_start(&stage, STORE_EU);
    for (int64_t end = now_ms() + 5000; last_lsn(STORE_EU) < OPS; pause_ms(1))
        check(now_ms() < end && "it is up, and asks for the lease");
    stage_start(&stage, STORE_US);
    wait_in_sync(&stage, 8000);
    check(stored(STORE_EU) == OPS && stored(STORE_US) == OPS);
}

static json_int_t epochs_begun(void)
{
    scoped_json json_t *witness = status_of(&stage, WITNESS);
    return json_integer_value(json_object_get(witness, "epoch"));
}

/* The epoch cannot be written: such a store asks for the lease only now and then, and leaves it to who can. */
static void full(void)
{
    char path[160];
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 20});
    json_int_t before = epochs_begun();
    in_data(STORE_EU, "epoch", path);
    check(unlink(path) == 0 && mkdir(path, 0700) == 0); /* not even root replaces that by a file */
    stage_kill(&stage, STORE_US);
    for (int64_t end = now_ms() + 5000; epochs_begun() == before; pause_ms(20))
        check(now_ms() < end && "the other one is granted the lease");
    pause_ms(3000); /* seven leases */
    check(epochs_begun() <= before + 3);
    stage_start(&stage, STORE_US);
    wait_leader(&stage, STORE_US, 5000);
}

int main(int argc, char **argv)
{
    static const struct stage_drill drills[] = {{"lost", lost}, {"full", full}};
    return stage_main(&stage, argc, argv, drills, array_len(drills));
}
