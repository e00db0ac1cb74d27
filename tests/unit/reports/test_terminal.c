/* SPDX-License-Identifier: MIT */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <string.h>

static char *show(const struct fixture *f, struct terminal_style style)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&bytes, &len);
    terminal_result(out, &f->in, &style);
    CU_ASSERT_EQUAL(fclose(out), 0);
    return bytes;
}

/* The very lines of the documentation, with the objectives it shows. */
static void has_the_documented_shape(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    size_t all = f->result.objectives.len;
    f->result.objectives.len = 2;
    scoped_free char *got = show(f, (struct terminal_style){.width = 80});
    CU_ASSERT_STRING_EQUAL(got, "MISSED region-outage (5 met, 1 missed, 0 inconclusive, 0 skipped)\n"
                                "  x rto   5.285 to 5.340 s   at most 5 s   recovered by failover\n"
                                "  + rpo   0.128 to 0.185 s   at most 1 s\n"
                                "  report  runs/region-outage-20260101T060000Z/report.html\n");
    f->result.objectives.len = all;
    fixture_free(f);
}

/* Said of what went wrong only: where the scenario is not the place to look. */
static void a_target_from_elsewhere_says_so(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    f->result.objectives.at[0].file = f->result.objectives.at[1].file = "scenarios/quarterly.yaml";
    f->result.objectives.at[0].line = 47;
    scoped_free char *got = show(f, (struct terminal_style){.width = 200});
    CU_ASSERT_PTR_NOT_NULL(strstr(got, " recovered by failover, set at scenarios/quarterly.yaml:47:3\n"));
    CU_ASSERT_PTR_NULL(strstr(got, "quarterly.yaml:25"));
    scoped_free char *summary = fixture_render("summary", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(summary, "set at scenarios/quarterly.yaml:47:3 |"));
    CU_ASSERT_PTR_NOT_NULL(strstr(summary, "| set at scenarios/quarterly.yaml:25:3 |"));
    fixture_free(f);
}

static void losses_without_a_trace_have_a_line(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    scoped_free char *none = show(f, (struct terminal_style){.width = 80});
    f->result.ledger.traceless_count = JSON_NONE;
    scoped_free char *unknown = show(f, (struct terminal_style){.width = 80});
    CU_ASSERT(!strstr(none, "no trace") && !strstr(unknown, "no trace"));
    f->result.ledger.traceless_count = 2;
    scoped_free char *got = show(f, (struct terminal_style){.width = 80});
    CU_ASSERT_PTR_NOT_NULL(
        strstr(got, "  2 lost writes left no trace: in no store's log, and no store set them aside\n"));
    scoped_free char *summary = fixture_render("summary", &f->in);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(summary, "\n2 lost writes left no trace: in no store's log, and no store set them aside.\n"));
    fixture_free(f);
}

static void clients_that_the_dns_leads_have_a_line_each(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    f->result.requests.by_vantage.at[0].dns = "honours";
    f->result.requests.by_vantage.at[1].dns = "pins";
    f->result.requests.by_vantage.at[1].rto_lower_s = 25.5;
    f->result.requests.by_vantage.at[1].rto_upper_s = (double)INFINITY;
    scoped_free char *got = show(f, (struct terminal_style){.width = 80});
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "  clients-us-east (dns: honours) rto 5.285 to 5.340 s\n"
                                       "  clients-eu-west (dns: pins) rto 25.500 s or more\n"));
    scoped_free char *summary = fixture_render("summary", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(summary, "| clients-us-east | honours | 5.285 to 5.340 s |\n"
                                           "| clients-eu-west | pins | 25.500 s or more |\n"));
    fixture_free(f);
}

static void colour_adds_nothing_but_colour(void)
{
    struct fixture *f = fixture_new(FIXTURE_INCONCLUSIVE);
    scoped_free char *plain = show(f, (struct terminal_style){.utf8 = true});
    scoped_free char *coloured = show(f, (struct terminal_style){.utf8 = true, .colour = true});
    scoped_text struct text bare = {0};
    for (const char *c = coloured; *c; c++) {
        if (*c == '\033') {
            c += strcspn(c, "m");
        } else {
            text_add_bytes(&bare, c, 1);
        }
    }
    CU_ASSERT_STRING_EQUAL(text_str(&bare), plain);
    CU_ASSERT(strchr(coloured, '\033') != NULL && strchr(plain, '\033') == NULL);
    fixture_free(f);
}

static void shows_no_foreign_control_character(void)
{
    struct fixture *f = fixture_new(FIXTURE_INCONCLUSIVE);
    f->result.objectives.at[0].reason = "\033[2Jgone\r\n\xff\a";
    f->result.scenario.name = "caf\xc3\xa9\033]0;x\a";
    scoped_free char *got = show(f, (struct terminal_style){.width = 400});
    for (const char *c = got; *c; c++) {
        CU_ASSERT(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "INCONCLUSIVE caf? ("));
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "gone  ?#x7"));
    fixture_free(f);
}

static void keeps_to_the_width(void)
{
    struct fixture *f = fixture_new(FIXTURE_INTERRUPTED);
    scoped_free char *got = show(f, (struct terminal_style){.width = 72, .utf8 = true});
    for (const char *line = got; *line; line += strcspn(line, "\n") + 1) {
        CU_ASSERT(strcspn(line, "\n") <= 72 + 2); /* two more bytes for a symbol of three */
    }
    fixture_free(f);
}

void suite_terminal(void)
{
    runner_suite(NULL, NULL);
    runner_test(has_the_documented_shape);
    runner_test(a_target_from_elsewhere_says_so);
    runner_test(losses_without_a_trace_have_a_line);
    runner_test(clients_that_the_dns_leads_have_a_line_each);
    runner_test(colour_adds_nothing_but_colour);
    runner_test(shows_no_foreign_control_character);
    runner_test(keeps_to_the_width);
}
