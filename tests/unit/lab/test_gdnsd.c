/* SPDX-License-Identifier: MIT */
/* The traffic manager's files, accepted by itself where it is installed; a question to it and hostile answers. */
#include "harness/base/child.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/ask_dns.h"
#include "harness/lab/gdnsd.h"
#include "harness/lab/render.h"
#include "tests/unit/lab/fake_lab.h"
#include "tests/unit/runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fake_lab *lab;
static struct gdnsd_files files;
static json_t *doc;

static void begin_routed(const char *answer, enum dns_routing routing);

/* The document of a node that leads clients to the fake lab's regions. */
static void begin(const char *answer)
{
    begin_routed(answer, ROUTING_FAILOVER);
}

static void begin_routed(const char *answer, enum dns_routing routing)
{
    lab = fake_lab_new();
    lab->nodes_on_paper[5].role = NODE_DNS;
    lab->topo.failover = (struct topo_failover){.probe_every_ns = 250 * NS_PER_MS, .probe_timeout_ns = 200 * NS_PER_MS,
                                                .unhealthy_after = 3, .healthy_after = 4, .dns_ttl_ns = 60 * NS_PER_S};
    lab->topo.routing = routing;
    lab->sites[0].weight = 3;
    lab->sites[1].weight = 1;
    lab->sites[2].home = 1;
    doc = render_config(&lab->topo, 5);
    json_object_set_new(doc, "answer", json_string(answer));
    CU_ASSERT_EQUAL(gdnsd_render(doc, "/run", &files, NULL), 0);
}

static void end(void)
{
    gdnsd_files_deinit(&files);
    json_decref(doc);
    fake_lab_free(lab);
}

static bool config_says(const char *text)
{
    return strstr(text_str(&files.config), text) != NULL;
}

static bool zone_says(const char *text)
{
    return strstr(text_str(&files.zone), text) != NULL;
}

static void checks_as_it_can_count_them(void)
{
    begin("live");
    CU_ASSERT(config_says("interval => 2\n") && config_says("timeout => 1\n"));
    CU_ASSERT(config_says("down_thresh => 3\n") && config_says("ok_thresh => 1\n") && config_says("up_thresh => 4\n"));
    CU_ASSERT(config_says("datacenters => [ east, west ]"));
    CU_ASSERT(config_says("east => { gateway-1 => 10.1.1.2, gateway-2 => 10.1.2.2 }"));
    CU_ASSERT(zone_says("api 60 DYNA metafo!clients\n"));
    CU_ASSERT_EQUAL(files.admin_state.len, 0);
    lab->topo.failover.probe_every_ns = 30 * NS_PER_S;
    lab->topo.failover.probe_timeout_ns = 4500 * NS_PER_MS;
    CU_ASSERT(topo_dns_every_s(&lab->topo) == 30 && topo_dns_timeout_s(&lab->topo) == 5);
    CU_ASSERT_EQUAL(topo_check_every_ns(&lab->topo), 30 * NS_PER_S);
    end();
}

static void it_leads_by_weight_or_place(void)
{
    begin_routed("live", ROUTING_WEIGHTED);
    CU_ASSERT(zone_says("api 60 DYNA weighted!clients\n") && zone_says("east 60 DYNA metafo!clients/east\n"));
    CU_ASSERT(config_says("east => { gateway-1 => [ 10.1.1.2, 1260 ], gateway-2 => [ 10.1.2.2, 1260 ] }"));
    end();
    begin_routed("live", ROUTING_GEOGRAPHIC);
    CU_ASSERT(zone_says("api 60 DYNA geoip!clients\n") && zone_says("east 60 DYNA metafo!clients/east\n"));
    CU_ASSERT(config_says("map => places"));
    CU_ASSERT(config_says("10.3.0.0/16 => [ west, east ]"));
    end();
    begin_routed("other", ROUTING_GEOGRAPHIC);
    CU_ASSERT(zone_says("api 60 A 192.0.2.1\n"));
    end();
}

static void faults_are_in_its_files(void)
{
    begin("nxdomain");
    CU_ASSERT(!zone_says("api ") && zone_says("control 0 A 192.0.2.53\n"));
    end();
    begin("empty");
    CU_ASSERT(zone_says("api 60 TXT ") && zone_says("east 60 DYNA metafo!clients/east\n"));
    end();
    begin("live");
    json_object_set_new(doc, "answer", json_string("other"));
    json_object_set_new(doc, "hit", json_string("east"));
    json_object_set_new(doc, "ttl", json_integer(5));
    gdnsd_files_deinit(&files);
    CU_ASSERT_EQUAL(gdnsd_render(doc, "/run", &files, NULL), 0);
    CU_ASSERT(zone_says("east 5 A 192.0.2.1\n") && zone_says("api 60 DYNA metafo!clients\n"));
    end();
    begin("other");
    CU_ASSERT(zone_says("api 60 A 192.0.2.1\n"));
    end();
    begin("stale");
    CU_ASSERT(zone_says("api 60 DYNA metafo!clients\n"));
    CU_ASSERT_STRING_EQUAL(text_str(&files.admin_state), "*/gateway => UP\n");
    end();
    struct gdnsd_files none = {0};
    scoped_json json_t *half = json_pack("{s:s}", "address", "10.0.0.1");
    CU_ASSERT_EQUAL(gdnsd_render(half, "/run", &none, NULL), -1);
}

static void put(const char *folder, const char *name, const struct text *content)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", folder, name);
    CU_ASSERT_EQUAL(file_replace(text_str(&path), text_str(content), content->len, NULL), 0);
}

static bool succeeds(const char *const argv[])
{
    scoped_fd int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct child c = {.pidfd = -1};
    return child_exec(&c, argv, NULL, log, NULL, NULL, NULL) == 0 && child_wait(&c, 5 * NS_PER_S, NULL) == 0 &&
           c.status == 0;
}

static void it_takes_its_files(void)
{
    static const char *const answers[] = {"live", "nxdomain", "empty", "other", "stale"};
    if (!gdnsd_is_there()) {
        runner_skip("gdnsd is not installed");
        return;
    }
    char folder[] = "/tmp/drtest-gdnsd-XXXXXX", zones[64];
    CU_ASSERT_PTR_NOT_NULL(mkdtemp(folder));
    snprintf(zones, sizeof(zones), "%s/zones", folder);
    mkdir(zones, 0700);
    for (size_t i = 0; i < array_len(answers) * 3; i++) {
        begin_routed(answers[i / 3], (enum dns_routing)(i % 3));
        gdnsd_files_deinit(&files);
        CU_ASSERT_EQUAL(gdnsd_render(doc, folder, &files, NULL), 0);
        put(folder, "config", &files.config);
        put(zones, TOPO_DNS_ZONE, &files.zone);
        const char *const check[] = {GDNSD_PATH, "-c", folder, "checkconf", NULL};
        CU_ASSERT_TRUE(succeeds(check));
        end();
    }
    const char *const remove[] = {"/bin/rm", "-rf", folder, NULL};
    CU_ASSERT_TRUE(succeeds(remove));
}

/* What a server says to our query: the query with flags and records. */
static void answer(struct text *out, int rcode, const char *records, size_t len, int count)
{
    text_clear(out);
    ask_dns_query(out, "api");
    out->at[2] = (char)0x84;
    out->at[3] = (char)rcode;
    out->at[7] = (char)count;
    text_add_bytes(out, records, len);
}

static void answers_are_read(void)
{
    static const char two[] = "\xC0\x0C\0\1\0\1\0\0\0\x09\0\4\x0A\2\1\2\xC0\x0C\0\1\0\1\0\0\0\x07\0\4\x0A\1\1\2";
    scoped_text struct text t = {0};
    answer(&t, 0, two, 32, 2);
    scoped_json json_t *good = ask_dns_body(&t);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_at(good, "/answer/0")), "10.1.1.2");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_at(good, "/answer/1")), "10.2.1.2");
    CU_ASSERT_EQUAL(json_integer_value(json_at(good, "/ttl")), 7);
    answer(&t, 3, "", 0, 0);
    scoped_json json_t *nobody = ask_dns_body(&t);
    CU_ASSERT_EQUAL(json_integer_value(json_at(nobody, "/rcode")), 3);
    CU_ASSERT_EQUAL(json_array_size(json_at(nobody, "/answer")), 0);
    for (size_t len = 0; len < 32; len++) { /* cut short: no addresses, or no answer at all */
        answer(&t, 0, two, len, 2);
        scoped_json json_t *cut = ask_dns_body(&t);
        CU_ASSERT_EQUAL(json_array_size(json_at(cut, "/answer")), 0);
    }
    answer(&t, 0, two, 32, 2);
    t.at[1] ^= 1; /* to another query */
    CU_ASSERT_PTR_NULL(ask_dns_body(&t));
    text_clear(&t);
    text_add(&t, "short");
    CU_ASSERT_PTR_NULL(ask_dns_body(&t));
}

void suite_gdnsd(void)
{
    runner_suite(NULL, NULL);
    runner_test(checks_as_it_can_count_them);
    runner_test(it_leads_by_weight_or_place);
    runner_test(faults_are_in_its_files);
    runner_test(answers_are_read);
}

void suite_gdnsd_itself(void)
{
    runner_suite(NULL, NULL);
    runner_test(it_takes_its_files);
}
