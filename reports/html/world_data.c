/* SPDX-License-Identifier: MIT */
/*
 * What the slider under the topology needs: since when every element was in which state, which store led when, and
 * bucket by bucket what share of each vantage's requests was answered well, in all (per cent, -1 without requests) and
 * by region (a digit of tenths, a for all, - without requests).
 */
#include "reports/html/picture.h"

#include "harness/base/json.h"
#include "harness/base/scoped.h"

#include <math.h>

static json_t *instant(double s)
{
    return json_real(round(s * 1000) / 1000);
}

static json_t *lane_states(const struct lane *lane)
{
    json_t *all = json_array();
    for (size_t i = 0; i < lane->spans.len; i++) {
        json_array_append_new(
            all, json_pack("[o,s]", instant(lane->spans.at[i].from_s), lane_state_words[lane->spans.at[i].state]));
    }
    return all;
}

static json_t *lane_leads(const struct lane *lane)
{
    json_t *all = json_array();
    for (size_t i = 0; i < lane->leads.len; i++) {
        json_array_append_new(all,
                              json_pack("[o,o]", instant(lane->leads.at[i].from_s), instant(lane->leads.at[i].to_s)));
    }
    return all;
}

static json_t *link_states(const struct link_lane *lane)
{
    json_t *all = json_array();
    for (size_t i = 0; i < lane->spans.len; i++) {
        json_array_append_new(
            all, json_pack("[o,s]", instant(lane->spans.at[i].from_s), picture_strokes[lane->spans.at[i].state].class));
    }
    return all;
}

static void set(json_t *object, json_t *value, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void set(json_t *object, json_t *value, const char *fmt, ...)
{
    scoped_text struct text key = {0};
    va_list ap;
    va_start(ap, fmt);
    text_vaddf(&key, fmt, ap);
    va_end(ap);
    json_object_set_new(object, text_str(&key), value);
}

static void add_states(const struct picture *k, json_t *states, json_t *leads)
{
    for (size_t i = 0; i < k->p->lanes.all.len; i++) {
        const struct lane *lane = &k->p->lanes.all.at[i];
        if (lane->node == TOPO_NONE) {
            set(states, lane_states(lane), "r%u", lane->site);
        } else {
            set(states, lane_states(lane), "n%u", lane->node);
            set(leads, lane_leads(lane), "n%u", lane->node);
        }
    }
    for (size_t l = 0; l < k->world.link_count; l++) {
        set(states, link_states(&k->world.links[l]), "l%zu", l);
    }
}

static json_t *good_of(const struct picture *k, uint16_t vantage)
{
    json_t *all = json_array();
    for (size_t b = 0; b < k->world.buckets; b++) {
        double good = world_good(&k->world, b, vantage);
        json_array_append_new(all, json_integer(isfinite(good) ? (json_int_t)floor(good * 100) : -1));
    }
    return all;
}

static json_t *share_of(const struct picture *k, uint16_t vantage, uint16_t region)
{
    scoped_text struct text digits = {0};
    for (size_t b = 0; b < k->world.buckets; b++) {
        double share = world_share(&k->world, b, vantage, region);
        char digit = (char)(!isfinite(share) ? '-' : share >= 1 ? 'a' : '0' + (int)(share * 10));
        text_add_bytes(&digits, &digit, 1);
    }
    return json_string(text_str(&digits));
}

static void add_flows(const struct picture *k, json_t *good, json_t *share)
{
    for (uint16_t v = 0; v < k->topo->site_count; v++) {
        if (k->topo->sites[v].kind != SITE_VANTAGE) {
            continue;
        }
        set(good, good_of(k, v), "c%u", v);
        for (uint16_t r = 0; k->world.served && r < k->topo->site_count; r++) {
            if (k->topo->sites[r].kind == SITE_REGION) {
                set(share, share_of(k, v, r), "f%u-%u", v, r);
            }
        }
    }
}

void picture_data(const struct picture *k)
{
    json_t *states = json_object(), *leads = json_object(), *good = json_object(), *share = json_object();
    json_t *moments = json_array();
    add_states(k, states, leads);
    add_flows(k, good, share);
    for (size_t i = 0; i < k->moment_count; i++) {
        scoped_text struct text title = {0};
        escape(&title, ESCAPE_TERMINAL, text_str(&k->moments[i].title)); /* valid UTF-8, as JSON wants it */
        json_array_append_new(moments, json_pack("[o,s]", instant(k->moments[i].at_s), text_str(&title)));
    }
    scoped_json json_t *doc =
        json_pack("{s:o,s:f,s:o,s:o,s:o,s:o,s:o}", "end", instant(k->p->end_s), "width", k->world.width_s, "states",
                  states, "leads", leads, "good", good, "share", share, "moments", moments);
    html_data(k->p, "world-data", doc);
}
