/* SPDX-License-Identifier: MIT */
/*
 * Identity and course of a run, copied from plan and timeline.
 *
 * The header line names host, lab, command and the wall clock at run time 0; everything else is run time and becomes
 * UTC by adding it to that. The header is read like a stranger's file: a member that is missing or of another type is
 * null in the result. Every text is copied, since the result outlives the evidence.
 */
#include "harness/measure/facts.h"

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

static const char *text_in(const struct study *s, const json_t *from, const char *key)
{
    return arena_strdup(s->arena, json_string_value(json_object_get(from, key)));
}

static int64_t integer_in(const json_t *from, const char *key)
{
    const json_t *v = json_object_get(from, key);
    return json_is_integer(v) ? json_integer_value(v) : JSON_NONE;
}

static const json_t *header_data(const struct study *s)
{
    return s->ev->event_count && s->ev->events[0].kind == EVENT_HEADER ? s->ev->events[0].data : NULL;
}

/* A heal that failed counts, too: it was the time that it took. */
static double abort_time(const struct study *s)
{
    const struct event *abort = NULL;
    int64_t until_ns = 0;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *ev = &s->ev->events[i];
        if (ev->kind == EVENT_ABORT && !abort && ev->at_ns >= 0 && ev->at_ns < NS_LIMIT) {
            abort = ev;
            until_ns = ev->at_ns;
        }
        if (ev->kind == EVENT_FAULT_HEAL && abort && ev->end_ns < NS_LIMIT)
            until_ns = ns_max(until_ns, ev->end_ns);
    }
    return abort ? seconds(until_ns - abort->at_ns) : (double)NAN;
}

static void words_in(const struct study *s, const json_t *from, const char *key, struct texts *out)
{
    size_t i;
    json_t *word;
    json_array_foreach(json_object_get(from, key), i, word)
        if (json_is_string(word))
            *arena_push(s->arena, out) = arena_strdup(s->arena, json_string_value(word));
}

static void identity_run(const struct study *s, const struct measure_context *ctx, const json_t *header,
                         struct result *out)
{
    struct result_run *run = &out->run;
    char stamp[32];
    const char *zero = text_in(s, header, "zero_wall");
    int64_t last = 0, zero_ns = clock_rfc3339_read(zero);
    for (size_t i = 0; i < s->ev->event_count; i++)
        if (s->ev->events[i].end_ns < NS_LIMIT)
            last = ns_max(last, s->ev->events[i].end_ns);
    run->id = arena_strdup(s->arena, ctx->run_id);
    run->suite = arena_strdup(s->arena, ctx->suite);
    run->repeat_index = ctx->repeat_index;
    run->repeat_count = ctx->repeat_count;
    run->started_at = zero;
    run->ended_at = zero ? arena_strdup(s->arena, clock_rfc3339(zero_ns + last, stamp)) : NULL;
    run->duration_s = seconds(last);
    run->abort_s = abort_time(s);
    run->seed = (int64_t)(s->plan->seed & INT64_MAX);
    words_in(s, header, "argv", &run->command);
    out->clock = (struct result_clock){"monotonic", zero, seconds(s->zero_ns)};
}

static void identity_lab(const struct study *s, const json_t *header, struct result *out)
{
    const json_t *lab = json_object_get(header, "lab"), *host = json_object_get(header, "host");
    const struct topology *topo = s->plan->topology;
    out->host = (struct result_host){
        .hostname = text_in(s, host, "hostname"), .kernel = text_in(s, host, "kernel"), .os = text_in(s, host, "os"),
        .arch = text_in(s, host, "arch"), .clocksource = text_in(s, host, "clocksource"),
        .cpu_count = integer_in(host, "cpu_count"), .memory_bytes = integer_in(host, "memory_bytes"),
        .rootless = json_is_true(json_object_get(host, "rootless"))};
    out->lab.kind = text_in(s, lab, "kind");
    out->lab.system_sha256 = text_in(s, lab, "system_sha256");
    out->lab.config_sha256 = text_in(s, lab, "config_sha256");
    words_in(s, header, "forced", &out->lab.forced);
    out->lab.node_count = topo ? (int64_t)topo->node_count : JSON_NONE;
    for (size_t i = 0; topo && i < topo->site_count; i++) {
        const char *name = arena_strdup(s->arena, topo->sites[i].name);
        if (topo->sites[i].kind == SITE_REGION)
            *arena_push(s->arena, &out->lab.regions) = name;
        else if (topo->sites[i].kind == SITE_VANTAGE)
            *arena_push(s->arena, &out->lab.vantages) = name;
    }
}

void facts_identity(const struct study *s, const struct measure_context *ctx, struct result *out)
{
    const struct plan *p = s->plan;
    struct arena *a = s->arena;
    out->schema_version = 1;
    out->tool = (struct result_tool){"drtest", arena_strdup(a, ctx->tool_version), arena_strdup(a, ctx->tool_commit),
                                     arena_strdup(a, ctx->tool_build_flags), arena_strdup(a, ctx->tool_sha256)};
    identity_run(s, ctx, header_data(s), out);
    identity_lab(s, header_data(s), out);
    out->scenario = (struct result_scenario){
        .name = arena_strdup(a, p->name), .title = arena_strdup(a, p->title),
        .description = arena_strdup(a, p->description), .owner = arena_strdup(a, p->owner),
        .file = arena_strdup(a, p->file), .sha256 = arena_strdup(a, p->sha256),
        .targets_sha256 = arena_strdup(a, p->targets_sha256)};
    for (size_t i = 0; i < p->tag_count; i++)
        *arena_push(a, &out->scenario.tags) = arena_strdup(a, p->tags[i]);
    out->history = (struct result_history){.file = "../history.jsonl", .line = JSON_NONE};
}

/* ---- course ---- */

static void course_phases(const struct study *s, struct result *out)
{
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (e->kind == EVENT_PHASE_BEGIN && e->subject) {
            struct result_phase *p = arena_push(s->arena, &out->phases);
            *p = (struct result_phase){arena_strdup(s->arena, e->subject), seconds(e->at_ns), NAN};
        }
        if (e->kind != EVENT_PHASE_END)
            continue;
        for (size_t j = out->phases.len; j > 0; j--) {
            struct result_phase *p = &out->phases.at[j - 1];
            if (!text_eq(p->name, e->subject) || !isnan(p->end_s))
                continue;
            p->end_s = seconds(e->end_ns);
            break;
        }
    }
}

static const char *site_name(const struct topology *t, uint16_t site)
{
    return t && site < t->site_count ? t->sites[site].name : NULL;
}

static void add_subject(struct arena *a, const char *name, struct texts *out)
{
    if (name)
        *arena_push(a, out) = arena_strdup(a, name);
}

static bool joins_hit_link(const struct topology *t, const struct action *a, uint16_t site)
{
    for (uint16_t k = 0; k < t->link_count; k++)
        if ((t->links[k].a == site || t->links[k].b == site) && action_hits_link(t, a, k))
            return true;
    return false;
}

/* The ends of a link; of several links all of their ends, the isolated one first. */
static void link_subjects(struct arena *arena, const struct topology *t, const struct action *a, struct texts *out)
{
    if (!a->sides && a->link < t->link_count) {
        add_subject(arena, site_name(t, t->links[a->link].a), out);
        add_subject(arena, site_name(t, t->links[a->link].b), out);
    }
    for (unsigned later = 0; a->sides && later < 2; later++)
        for (uint16_t i = 0; i < t->site_count; i++)
            if ((a->sides[i] > 1) == later && joins_hit_link(t, a, i))
                add_subject(arena, site_name(t, i), out);
}

void facts_subjects(struct arena *arena, const struct topology *t, const struct action *a, struct texts *out)
{
    if (!t)
        return;
    if (a->target == TARGET_REGION)
        add_subject(arena, site_name(t, a->site), out);
    else if (a->target == TARGET_NODE)
        add_subject(arena, a->node < t->node_count ? t->nodes[a->node].name : NULL, out);
    else if (a->target == TARGET_LINK)
        link_subjects(arena, t, a, out);
}

/* `isolate` or `split`, as in the scenario. */
static void put_sides(json_t *to, const struct topology *t, const struct action *a)
{
    uint16_t alone = t ? action_isolates(t, a) : TOPO_NONE;
    if (alone != TOPO_NONE)
        json_object_set_new(to, "isolate", json_string(t->sites[alone].name));
    if (!t || !a->sides || alone != TOPO_NONE)
        return;
    json_t *split = json_array(), *side;
    for (unsigned number = 1; side = json_array(), number <= UINT8_MAX; number++) {
        for (uint16_t i = 0; i < t->site_count; i++)
            if (a->sides[i] == number)
                json_array_append_new(side, json_string(t->sites[i].name));
        if (json_array_size(side) == 0)
            break;
        json_array_append_new(split, side);
    }
    json_decref(side);
    json_object_set_new(to, "split", split);
}

static void put_duration(json_t *to, const char *key, int64_t ns)
{
    char text[UNIT_MAX];
    if (ns > 0)
        json_object_set_new(to, key, json_string(unit_print_duration(ns, text)));
}

static void put_ratio(json_t *to, const char *key, int64_t ppm)
{
    char text[UNIT_MAX];
    if (ppm > 0)
        json_object_set_new(to, key, json_string(unit_print_ratio(ppm, text)));
}

static void put_count(json_t *to, const char *key, int64_t n)
{
    if (n > 0)
        json_object_set_new(to, key, json_integer(n));
}

/* The step's own keys, spelled as in the scenario. */
static json_t *params_of(const struct topology *t, const struct action *a)
{
    static const char *const directions[] = {"both", "forward", "backward"};
    static const char *const hows[] = {NULL, "power", "crash"};
    static const char *const spreads[] = {"uniform", "normal", "pareto"};
    static const char *const files[] = {NULL, "truncated", "missing", "unreadable", "stale"};
    json_t *p = json_object();
    char text[UNIT_MAX];
    put_sides(p, t, a);
    if (a->target == TARGET_LINK && (unsigned)a->direction <= DIRECTION_BACKWARD)
        json_object_set_new(p, "direction", json_string(directions[a->direction]));
    if (action_plane_word(a->port))
        json_object_set_new(p, "only", json_string(action_plane_word(a->port)));
    if (a->way == GATE_REFUSE || a->way == GATE_UNREACHABLE)
        json_object_set_new(p, "with", json_string(a->way == GATE_REFUSE ? "refused" : "unreachable"));
    if (a->how == KILL_POWER || a->how == KILL_CRASH)
        json_object_set_new(p, "how", json_string(hows[a->how]));
    if (a->disk == DISK_LOST || a->disk == DISK_LOST_WITH_BACKUPS)
        json_object_set_new(p, "disk", json_string(a->disk == DISK_LOST ? "lost" : "lost_with_backups"));
    if ((unsigned)a->alert <= TOPO_ALERT_TRAFFIC && a->alert != TOPO_ALERT_NONE)
        json_object_set_new(p, "alert", json_string(topo_alert_words[a->alert]));
    put_duration(p, "grace", a->grace_ns);
    if (a->certificate > CERTIFICATE_NONE && a->certificate < CERTIFICATES)
        json_object_set_new(p, "certificate", json_string(certificate_words[a->certificate]));
    if (a->stall)
        json_object_set_new(p, "handshake", json_string("stall"));
    if (a->step_ns)
        json_object_set_new(p, "step", json_string(unit_print_step(a->step_ns, text)));
    if (a->clock_ppm)
        json_object_set_new(p, "rate", json_string(unit_print_factor(a->clock_ppm, text)));
    if (a->via == DRIFT_VIA_CONTROL || a->via == DRIFT_VIA_RUNTIME)
        json_object_set_new(p, "via", json_string(a->via == DRIFT_VIA_CONTROL ? "control" : "runtime"));
    if ((unsigned)a->file <= DRIFT_STALE && a->file != DRIFT_CONTENT)
        json_object_set_new(p, "file", json_string(files[a->file]));
    if (a->not_reloaded)
        json_object_set_new(p, "reload", json_string("no"));
    if (a->type && text_eq(a->type->verb, "lag"))
        json_object_set_new(p, "of", json_string(a->of_config ? "config" : "replication"));
    if (a->stop)
        json_object_set_new(p, "stop", json_true());
    put_duration(p, "delay", a->shape.delay_ns);
    put_duration(p, "jitter", a->shape.jitter_ns);
    if (a->shape.jitter_ns > 0 && a->shape.spread != SPREAD_UNIFORM && (unsigned)a->shape.spread <= SPREAD_PARETO)
        json_object_set_new(p, "distribution", json_string(spreads[a->shape.spread]));
    put_ratio(p, "jitter_correlation", a->shape.jitter_correlation_ppm);
    put_ratio(p, "loss", a->shape.loss_ppm);
    put_count(p, "burst", a->burst);
    put_ratio(p, "burst_loss", a->shape.burst_loss_ppm);
    put_ratio(p, "calm_loss", a->shape.calm_loss_ppm);
    put_ratio(p, "loss_correlation", a->loss_correlation_ppm);
    put_ratio(p, "duplicate", a->shape.duplicate_ppm);
    put_ratio(p, "reorder", a->shape.reorder_ppm);
    put_count(p, "reorder_gap", a->shape.reorder_gap);
    put_ratio(p, "corrupt", a->shape.corrupt_ppm);
    if (a->shape.rate_bps > 0)
        json_object_set_new(p, "rate", json_string(unit_print_bandwidth(a->shape.rate_bps, text)));
    put_count(p, "limit", a->shape.limit_packets);
    put_count(p, "mtu", a->shape.mtu_bytes);
    if (a->patch)
        json_object_set(p, "patch", a->patch);
    if (a->merge)
        json_object_set(p, "merge", a->merge);
    return p;
}

static struct result_proof proof_of(const struct study *s, const struct event *e)
{
    if (!e)
        return (struct result_proof){"unproven", "none", NAN, JSON_NONE};
    return (struct result_proof){e->outcome ? arena_strdup(s->arena, e->outcome) : "unproven",
                                 e->detail ? arena_strdup(s->arena, e->detail) : "none", seconds(e->at_ns), e->seq};
}

static void course_faults(const struct study *s, struct result *out)
{
    for (size_t i = 0; i < s->fault_count; i++) {
        const struct fault_view *v = &s->faults[i];
        struct result_fault *f = arena_push(s->arena, &out->faults);
        const json_t *data = v->apply ? v->apply->data : NULL;
        *f = (struct result_fault){.id = v->step->id,
                                   .params = params_of(s->plan->topology, &v->step->action),
                                   .line = v->step->line,
                                   .planned_s = seconds(v->step->at_ns),
                                   .t_ib_s = seconds(v->ib),
                                   .t_ie_s = seconds(v->ie),
                                   .t_hb_s = seconds(v->hb),
                                   .t_he_s = seconds(v->he),
                                   .ended_by = "none",
                                   .mechanism = text_in(s, data, "mechanism"),
                                   .proof = proof_of(s, v->proof)};
        f->do_ = v->step->action.type ? arena_strdup(s->arena, v->step->action.type->verb) : NULL;
        facts_subjects(s->arena, s->plan->topology, &v->step->action, &f->subject);
        if (fault_ended_by(v))
            f->ended_by = arena_strdup(s->arena, fault_ended_by(v));
        f->has_heal_proof = v->hb != NS_NONE;
        f->heal_proof = proof_of(s, v->heal_proof);
    }
}

static void add_limit(const struct study *s, struct result *out, const char *sentence)
{
    for (size_t i = 0; i < out->limits.len; i++)
        if (text_eq(out->limits.at[i], sentence))
            return;
    *arena_push(s->arena, &out->limits) = arena_strdup(s->arena, sentence);
}

static int64_t counted(const struct event *e, const char *key)
{
    const json_t *v = json_object_get(e->data, key);
    return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : JSON_NONE;
}

static void add_surge(const struct study *s, const struct event *e, struct result *out)
{
    int64_t sent = counted(e, "sent"), offered = counted(e, "offered");
    *arena_push(s->arena, &out->surges) = (struct result_surge){
        .fault_id = e->code,
        .planned_count = counted(e, "planned"),
        .offered_count = offered,
        .sent_count = sent,
        .good_count = counted(e, "good"),
        .bad_count = counted(e, "bad"),
        .unsent_count = counted(e, "unsent"),
        .returned_count = counted(e, "returned"),
        .amplification_ratio = sent >= 0 && offered > 0 ? (double)sent / (double)offered : NAN,
    };
}

void facts_course(const struct study *s, struct result *out)
{
    course_phases(s, out);
    course_faults(s, out);
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (e->kind == EVENT_LIMIT && e->detail)
            add_limit(s, out, e->detail);
        if (e->kind == EVENT_SURGE)
            add_surge(s, e, out);
        if (e->kind == EVENT_MECHANISM)
            *arena_push(s->arena, &out->mechanisms) =
                (struct result_mechanism){arena_strdup(s->arena, e->subject), text_in(s, e->data, "name"),
                                          arena_strdup(s->arena, e->detail)};
    }
}
