/* SPDX-License-Identifier: MIT */
/*
 * What is written is read again; what is torn, foreign or out of order is found out; a killed writer leaves whole
 * lines.
 */
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/evidence/evidence_write.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/reseal/reseal.h"
#include "tests/unit/evidence/story.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void reads_back_what_was_written(void)
{
    const char *path = scratch_make();
    story_write(path);
    struct evidence *ev = story_load(path);
    CU_ASSERT_PTR_NULL(ev->timeline_damage);
    CU_ASSERT_EQUAL_FATAL(ev->event_count, STORY_EVENTS);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(ev->events[0].data, "host")), "here");
    const struct event *apply = &ev->events[2];
    CU_ASSERT_EQUAL(apply->kind, EVENT_FAULT_APPLY);
    CU_ASSERT_EQUAL(apply->at_ns, 100);
    CU_ASSERT_EQUAL(apply->end_ns, 140);
    CU_ASSERT_EQUAL(apply->code, 1);
    CU_ASSERT_STRING_EQUAL(apply->subject, "us-east");
    CU_ASSERT_STRING_EQUAL(apply->outcome, "ok");
    CU_ASSERT_PTR_NULL(apply->detail);
    CU_ASSERT_PTR_NULL(apply->data);
    evidence_free(ev);
    scratch_remove();
}

static void the_line_has_the_documented_form(void)
{
    struct timeline *t = NULL;
    CU_ASSERT_EQUAL_FATAL(timeline_open(&t, scratch_make(), NULL), 0);
    struct event ev = {.kind = EVENT_FAULT_PROOF,
                       .due_ns = 22000000000,
                       .at_ns = 22003127000,
                       .end_ns = 22003127000,
                       .subject = "us-east",
                       .outcome = "ok",
                       .detail = "pidfd"};
    timeline_add(t, &ev, NULL, NULL);
    timeline_close(t);
    scoped_text struct text line = {0};
    scratch_read("timeline.jsonl", &line);
    CU_ASSERT_STRING_EQUAL(text_str(&line),
                           "{\"seq\":0,\"kind\":\"fault.proof\",\"due_ns\":22000000000,\"at_ns\":22003127000,"
                           "\"end_ns\":22003127000,\"subject\":\"us-east\",\"outcome\":\"ok\",\"code\":0,"
                           "\"detail\":\"pidfd\",\"crc\":\"6903cc11\"}\n");
    scratch_remove();
}

static void texts_of_any_bytes_survive(void)
{
    const char *path = scratch_make();
    struct timeline *t = NULL;
    CU_ASSERT_EQUAL_FATAL(timeline_open(&t, path, NULL), 0);
    struct event head = {.kind = EVENT_HEADER};
    struct event odd = {.kind = EVENT_HARNESS, .subject = "a\"b\\c\nd\te\x01", .detail = "x\xff\xc3(\xe2\x82\xac"};
    timeline_add(t, &head, NULL, NULL);
    timeline_add(t, &odd, NULL, NULL);
    timeline_close(t);
    story_write_samples(path);
    struct evidence *ev = story_load(path);
    CU_ASSERT_EQUAL_FATAL(ev->event_count, 2);
    CU_ASSERT_STRING_EQUAL(ev->events[1].subject, odd.subject);
    CU_ASSERT_STRING_EQUAL(ev->events[1].detail, "x\xef\xbf\xbd\xef\xbf\xbd(\xe2\x82\xac");
    evidence_free(ev);
    scratch_remove();
}

static void an_existing_timeline_is_not_carried_on(void)
{
    const char *path = scratch_make();
    story_write_timeline(path);
    struct timeline *t = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(timeline_open(&t, path, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    scratch_remove();
}

/* Load a story whose timeline is this text; NULL when it is refused. */
static struct evidence *load_text(const char *path, const char *text)
{
    struct evidence *ev = NULL;
    struct err e = {0};
    scoped_text struct text sealed = {0};
    reseal_timeline(&sealed, text, strlen(text));
    scratch_write("timeline.jsonl", text_str(&sealed), sealed.len);
    if (evidence_load(&ev, path, &e) != 0) {
        CU_ASSERT_EQUAL(e.kind, ERR_READING);
    }
    return ev;
}

#define LINE(seq, kind) "{\"seq\":" seq ",\"kind\":\"" kind "\",\"due_ns\":0,\"at_ns\":1,\"end_ns\":1,\"code\":0}\n"

static void expect_damage(const char *path, const char *text, size_t events)
{
    struct evidence *ev = load_text(path, text);
    must(ev);
    CU_ASSERT_PTR_NOT_NULL(ev->timeline_damage);
    CU_ASSERT_EQUAL(ev->event_count, events);
    evidence_free(ev);
}

static void damage_is_named_and_the_rest_used(void)
{
    const char *path = scratch_make();
    story_write_samples(path);
    expect_damage(path, LINE("0", "header") LINE("1", "action") LINE("3", "end"), 2);
    expect_damage(path, LINE("0", "header") LINE("1", "end") LINE("2", "end"), 2);
    expect_damage(path, LINE("0", "header") LINE("0", "end"), 1);
    expect_damage(path, LINE("0", "header") LINE("1", "nonsense") LINE("2", "end"), 1);
    expect_damage(path, LINE("0", "header") "\n" LINE("1", "end"), 1);
    expect_damage(path, LINE("0", "header") "{\"seq\":1,\"kind\":\"end\"}\n", 1);
    expect_damage(path, LINE("0", "header") "{\"seq\":1,\"seq\":1}\n", 1);
    expect_damage(path, LINE("0", "header") "[]\n", 1);
    scratch_remove();
}

static void a_torn_last_line_is_no_damage(void)
{
    const char *path = scratch_make();
    story_write_samples(path);
    struct evidence *ev = load_text(path, LINE("0", "header") LINE("1", "end") "{\"seq\":2,\"ki");
    must(ev);
    CU_ASSERT_PTR_NULL(ev->timeline_damage);
    CU_ASSERT_EQUAL(ev->event_count, 2);
    evidence_free(ev);
    scratch_remove();
}

static void what_is_no_timeline_of_ours_is_refused(void)
{
    const char *path = scratch_make();
    story_write_samples(path);
    CU_ASSERT_PTR_NULL(load_text(path, ""));
    CU_ASSERT_PTR_NULL(load_text(path, "\n"));
    CU_ASSERT_PTR_NULL(load_text(path, LINE("0", "end")));
    CU_ASSERT_PTR_NULL(load_text(path, LINE("1", "header")));
    CU_ASSERT_PTR_NULL(load_text(path,
                                 "{\"seq\":0,\"kind\":\"header\",\"due_ns\":0,\"at_ns\":0,\"end_ns\":0,\"code\":0,"
                                 "\"data\":{\"format\":1}}\n"));
    unlink(scratch_path("timeline.jsonl"));
    struct evidence *ev = NULL;
    CU_ASSERT_EQUAL(evidence_load(&ev, path, NULL), -1);
    scratch_remove();
}

/* One byte changed anywhere in a line, in a text or in a number: the line is no longer what was written. */
static void a_changed_byte_ends_the_timeline(void)
{
    const char *path = scratch_make();
    story_write(path);
    scoped_text struct text file = {0};
    scratch_read("timeline.jsonl", &file);
    size_t second = strcspn(file.at, "\n") + 1;
    for (size_t at = second; file.at[at] != '\n'; at++) {
        file.at[at] = (char)(file.at[at] ^ 1);
        scratch_write("timeline.jsonl", file.at, file.len);
        struct evidence *ev = story_load(path);
        CU_ASSERT_PTR_NOT_NULL(ev->timeline_damage);
        CU_ASSERT_EQUAL(ev->event_count, 1);
        evidence_free(ev);
        file.at[at] = (char)(file.at[at] ^ 1);
    }
    scratch_remove();
}

/* The child writes as fast as it can and dies in the middle of it. */
static void a_killed_writer_leaves_whole_lines(void)
{
    const char *path = scratch_make();
    story_write_samples(path);
    struct child child = {0};
    int side = child_fork(&child, NULL);
    CU_ASSERT_NOT_EQUAL_FATAL(side, -1);
    if (side == 0) {
        struct timeline *t = NULL;
        struct event ev = {.kind = EVENT_HEADER, .detail = "written by a process that is about to be killed"};
        if (timeline_open(&t, path, NULL) != 0) {
            _exit(1);
        }
        for (;;) {
            timeline_add(t, &ev, NULL, NULL);
        }
    }
    scoped_text struct text file = {0};
    for (int i = 0; i < 500 && file.len < 2000; i++) { /* at most 5 s */
        CU_ASSERT_EQUAL(child_wait(&child, 10000000, NULL), 1);
        if (access(scratch_path("timeline.jsonl"), F_OK) == 0) {
            scratch_read("timeline.jsonl", &file);
        }
    }
    child_signal(&child, SIGKILL, NULL);
    CU_ASSERT_EQUAL(child_wait(&child, 2000000000, NULL), 0);
    struct evidence *ev = story_load(path);
    CU_ASSERT_PTR_NULL(ev->timeline_damage);
    CU_ASSERT(ev->event_count > 10);
    evidence_free(ev);
    scratch_read("timeline.jsonl", &file);
    CU_ASSERT_EQUAL(file.at[file.len - 1], '\n');
    scratch_remove();
}

void suite_timeline(void)
{
    runner_suite(NULL, NULL);
    runner_test(reads_back_what_was_written);
    runner_test(the_line_has_the_documented_form);
    runner_test(texts_of_any_bytes_survive);
    runner_test(an_existing_timeline_is_not_carried_on);
    runner_test(damage_is_named_and_the_rest_used);
    runner_test(a_torn_last_line_is_no_damage);
    runner_test(what_is_no_timeline_of_ours_is_refused);
    runner_test(a_changed_byte_ends_the_timeline);
    runner_test(a_killed_writer_leaves_whole_lines);
}
