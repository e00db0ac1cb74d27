/* SPDX-License-Identifier: MIT */
/*
 * The witness: the first line is the book on disk, then each byte is a question. The epoch never falls, it rises with
 * every change of holder, nobody else is granted a lease that runs, and what is saved loads as the same.
 */
#include "gateway-under-test/own.h"
#include "gateway-under-test/witness_book.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define LEASE_NS (750 * NS_PER_MS)

static void make(struct book *b)
{
    book_init(b, LEASE_NS);
    book_add_region(b, "us-east");
    book_add_region(b, "eu-west");
    book_add_region(b, "ap-south");
}

/* Two bytes: who asks, of whom, how, with what epoch; and how much time goes by. */
static void question(struct book *b, uint8_t what, uint8_t how, int64_t now)
{
    struct book before = *b;
    int region = what % 3, peer = what / 3 % 3;
    int64_t epoch = b->epoch + (how & 3) - 1;
    bool changed, sync = how & 4, granted = false;
    struct book_question q = {.region = region,
                              .epoch = epoch < 0 ? 0 : epoch,
                              .log_epoch = what / 9 % 4,
                              .lsn = what,
                              .want = how & 8,
                              .lead = how & 16,
                              .sync = sync};
    if (how & 32)
        (void)book_sync(b, region, epoch, peer, how & 8, &changed);
    else if (how & 64)
        (void)book_transfer(b, region, epoch, peer, how & 8, sync, now);
    else
        granted = book_ask(b, &q, now, &changed);
    fuzz_must(b->epoch >= before.epoch);
    if (b->holder != before.holder && !before.passed)
        fuzz_must(b->epoch > before.epoch);
    if (granted) {
        fuzz_must(b->holder == region);
        fuzz_must(before.holder == region || now >= before.until_ns);
        fuzz_must(!sync || q.lead || before.regions[region].in_sync);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct book b, copy;
    scoped_free char *line = NULL;
    int64_t now = 0;
    make(&b);
    if (!fuzz_line(&data, &size, &line))
        return 0;
    scoped_json json_t *doc = json_read(line, strlen(line), "book", NULL);
    if (doc && book_load(&b, doc, NULL) < 0)
        make(&b);
    fuzz_must(b.epoch >= 0 && b.epoch <= EPOCH_MAX && b.holder < b.region_count && b.stay < b.region_count);
    book_start(&b, now, 2 * LEASE_NS);
    for (; size >= 2; data += 2, size -= 2) {
        now += (data[1] & 128) ? LEASE_NS : NS_PER_MS;
        question(&b, data[0], data[1], now);
    }
    scoped_json json_t *saved = book_save(&b);
    make(&copy);
    fuzz_must(saved && (b.epoch > EPOCH_MAX || book_load(&copy, saved, NULL) == 0));
    if (b.epoch <= EPOCH_MAX)
        fuzz_must(copy.epoch == b.epoch && copy.holder == b.holder && copy.stay == b.stay && copy.passed == b.passed);
    return 0;
}
