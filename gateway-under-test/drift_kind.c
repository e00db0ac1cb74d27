/* SPDX-License-Identifier: MIT */
/*
 * Of which kind a drift is. Told by four fingerprints of the configuration (desired, taken over, running, in the file)
 * and three of the secrets (desired, running, on disk), never by who did it: that nobody can see from inside.
 *
 * While something else runs than what is desired:
 *   lagging        what runs is the last desired one that was seen running, and a newer one is desired since, which
 *                  could not be taken over at the look that found it
 *   secret         it differs in its hashed API keys alone
 *   runtime_patch  what runs is not what was taken over last from file or control plane
 *   file_edit      the file says what runs
 *   foreign        neither: the file says something else by now, or nothing
 * While what is desired runs:
 *   secret         keys or certificate differ from what they are to be, in the process or on disk
 *   partial_apply  the file does not take what runs; or parts of it take effect when the process starts, and only then
 *   file_edit      the file says something else, or nothing
 * The first that holds is told. Wherever a change is of credentials alone it is told as one of secrets, for who looks
 * for a leaked key must not have to look at every edit. The secrets on disk are asked about only while the desired
 * configuration runs, since another one may name other files.
 */
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/secrets.h"
#include "harness/base/scoped.h"

#include <string.h>

const char *const drift_kind_words[] = {
    [DRIFT_none] = NULL,
#define DRIFT_WORD(name) [DRIFT_##name] = #name,
    DRIFT_KINDS(DRIFT_WORD)
#undef DRIFT_WORD
};

bool drift_runs_desired(const struct drift *d)
{
    return strcmp(d->effective, d->desired.in_force->fingerprint) == 0;
}

bool drift_file_as_running(const struct drift *d)
{
    return strcmp(d->effective, d->of_file) == 0;
}

const char *drift_secrets_wanted(const struct drift *d)
{
    const char *said = d->desired.in_force->secrets;
    return said != NULL ? said : d->secrets.reached;
}

void drift_print_fixed(const struct config *c, char out[SHA256_HEX])
{
    scoped_json json_t *parts = json_pack("{s:O*, s:I}", "endpoints", json_at(c->doc, "/control/endpoints"),
                                          "handshake_ms", (json_int_t)c->tls.handshake_ms);
    json_fingerprint(parts, out);
}

static bool secrets_differ(const struct drift *d)
{
    const struct drift_secrets *s = &d->secrets;
    return strcmp(s->running, drift_secrets_wanted(d)) != 0 || strcmp(s->of_files, s->running) != 0;
}

static bool applied_in_part(const struct drift *d)
{
    char fixed[SHA256_HEX];
    drift_print_fixed(d->node->config, fixed);
    return strcmp(fixed, d->at_start) != 0;
}

static enum drift_kind of_running(const struct drift *d)
{
    const struct node *n = d->node;
    if (strcmp(d->effective, d->reached) == 0)
        return DRIFT_lagging;
    if (secrets_only(d->desired.in_force->doc, n->config->doc))
        return DRIFT_secret;
    if (strcmp(d->effective, n->applied) != 0)
        return DRIFT_runtime_patch;
    return drift_file_as_running(d) ? DRIFT_file_edit : DRIFT_foreign;
}

enum drift_kind drift_kind_of(const struct drift *d)
{
    if (!drift_runs_desired(d))
        return of_running(d);
    if (secrets_differ(d) || d->keys_in_file)
        return DRIFT_secret;
    if (!drift_file_as_running(d))
        return d->unwritten ? DRIFT_partial_apply : DRIFT_file_edit;
    return applied_in_part(d) ? DRIFT_partial_apply : DRIFT_none;
}
