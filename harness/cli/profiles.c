/* SPDX-License-Identifier: MIT */
/*
 * Method: the scenario is read once more for each profile, with the overrides of the command line above it, and the
 * floor of its RTO computed from the plan. Nothing is said of profiles where the configuration explains no outage.
 */
#include "harness/cli/profiles.h"

#include "harness/base/text.h"
#include "harness/cli/floors.h"
#include "harness/spec/load.h"
#include "harness/spec/profile.h"
#include "injectors/injector.h"

#include <math.h>
#include <stdio.h>

static json_t *floor_with(const struct batch *b, const struct plan *p, const char *profile)
{
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    const struct spec_options read = {
        .profile = profile, .sets = b->read_by->set->at, .set_count = b->read_by->set->len, .seed = p->seed};
    struct plan *other = NULL;
    struct diag_list diags = {0};
    json_t *floor = spec_load(p->file, types, verbs, &read, &other, &diags, NULL) == 0
                        ? floor_json(floor_of_target(other, TARGET_RTO))
                        : json_null();
    plan_free(other);
    diag_list_deinit(&diags);
    return floor;
}

json_t *profiles_json(const struct batch *b, const struct plan *p)
{
    json_t *all = json_array();
    for (size_t i = 0; profile_words[i]; i++) {
        json_array_append_new(all, json_pack("{s:s,s:o}", "name", profile_words[i], "rto_floor",
                                             floor_with(b, p, profile_words[i])));
    }
    return all;
}

void profiles_print(const json_t *profiles)
{
    size_t i;
    json_t *o;
    json_array_foreach(profiles, i, o)
    {
        const json_t *floor = json_object_get(o, "rto_floor"), *most = json_object_get(floor, "max_s");
        if (json_number_value(most) > 0) {
            printf("  profile %-8s  without service for %.3f to %.3f s by the configuration alone\n",
                   json_string_value(json_object_get(o, "name")), json_number_value(json_object_get(floor, "min_s")),
                   json_number_value(most));
        }
    }
}
