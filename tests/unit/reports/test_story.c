/* SPDX-License-Identifier: MIT */
#include "reports/story.h"

#include "harness/base/text.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <string.h>

static void expect(const struct fixture *f, const char *part, bool there)
{
    scoped_text struct text t = {0};
    story_tell(&t, &f->in);
    if ((strstr(text_str(&t), part) != NULL) != there) {
        printf("story: %s\n%s: %s\n", text_str(&t), there ? "lacks" : "has", part);
    }
    CU_ASSERT_EQUAL(strstr(text_str(&t), part) != NULL, there);
}

static void tells_what_happened(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    expect(f, "us-east lost power 22.0 s into the run.", true);
    expect(f, "Clients saw errors for 5.3 s; eu-west took over by itself.", true);
    expect(f, "3 acknowledged writes were lost, within the target.", true);
    expect(f, "RTO 5.285 to 5.340 s, promised at most 5 s.", true);
    fixture_free(f);
    f = fixture_new(FIXTURE_SKIPPED);
    expect(f, "This machine could not run the drill: sch_netem is not in this kernel.", true);
    fixture_free(f);
    f = fixture_new(FIXTURE_TINY);
    expect(f, "No fault was injected. No request failed.", true);
    fixture_free(f);
    f = fixture_new(FIXTURE_DRIFT);
    expect(f, "The configuration of eu-west/1 was changed behind its back", true);
    expect(f, "noticed within 610 ms and repaired within 3.1 s", true);
    fixture_free(f);
}

static void claims_no_recovery_that_was_none(void)
{
    struct fixture *f = fixture_new(FIXTURE_INCONCLUSIVE);
    expect(f, "The drill proves nothing: fault 1: <canary> still answered", true);
    expect(f, "did not come back", true);
    expect(f, "took over", false);
    f->result.objectives.at[0].recovered_by = "heal";
    expect(f, "until the fault ended", true);
    fixture_free(f);
    f = fixture_new(FIXTURE_MISSED);
    f->result.ledger.final_read_complete = false;
    expect(f, "acknowledged", false);
    f->result.ledger.final_read_complete = true;
    f->result.objectives.at[2].verdict = MISSED;
    expect(f, "more than promised", true);
    expect(f, "Undecided", false);
    f->result.objectives.at[0].verdict = INCONCLUSIVE;
    expect(f, "Undecided: RTO 5.285 to 5.340 s, promised at most 5 s.", true);
    f->result.quality.valid = false; /* then nothing is decided, and the reason is told instead */
    expect(f, "Undecided", false);
    fixture_free(f);
}

static void names_every_verb(void)
{
    const char *subjects[] = {"us-east", "eu-west"};
    struct result_fault f = {.subject = {subjects, 2, 2}};
    const struct {
        const char *verb, *direction, *want;
    } cases[] = {{"freeze", NULL, "us-east froze"},
                 {"partition", "both", "us-east and eu-west were cut off from each other"},
                 {"partition", "forward", "nothing got from us-east to eu-west any more"},
                 {"partition", "backward", "nothing got from eu-west to us-east any more"},
                 {"reject", "both", "packets between us-east and eu-west were turned away"},
                 {"reject", "backward", "packets from eu-west to us-east were turned away"},
                 {"degrade", NULL, "the link between us-east and eu-west went bad"},
                 {"tls", NULL, "us-east answered no TLS handshake any more"},
                 {"meteor", NULL, "meteor hit us-east"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scoped_text struct text t = {0};
        f.do_ = cases[i].verb;
        f.params = cases[i].direction ? json_pack("{s:s}", "direction", cases[i].direction) : NULL;
        story_fault(&t, &f);
        CU_ASSERT_STRING_EQUAL(text_str(&t), cases[i].want);
        json_decref(f.params);
    }
    static const char *const many[] = {
        "{\"isolate\": \"us-east\"}", "us-east was cut off from everything else",
        "{\"isolate\": \"us-east\", \"direction\": \"forward\"}", "nothing got out of us-east any more",
        "{\"only\": \"replication\"}", "us-east and eu-west were cut off from each other, replication only",
        "{\"split\": [[\"us-east\"], [\"eu-west\", \"x\"]]}", "the network fell apart: us-east | eu-west, x"};
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i += 2) {
        scoped_text struct text t = {0};
        f.do_ = "partition";
        f.params = json_loads(many[i], 0, NULL);
        story_fault(&t, &f);
        CU_ASSERT_STRING_EQUAL(text_str(&t), many[i + 1]);
        json_decref(f.params);
    }
    scoped_text struct text expired = {0}, t = {0};
    struct result_fault bare = {0};
    f.do_ = "tls";
    f.params = json_pack("{s:s}", "certificate", "expired");
    story_fault(&expired, &f);
    CU_ASSERT_STRING_EQUAL(text_str(&expired), "us-east showed a bad certificate");
    json_decref(f.params);
    story_fault(&t, &bare);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "a fault hit ?");
}

void suite_story(void)
{
    runner_suite(NULL, NULL);
    runner_test(tells_what_happened);
    runner_test(claims_no_recovery_that_was_none);
    runner_test(names_every_verb);
}
