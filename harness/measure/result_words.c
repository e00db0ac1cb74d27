/* SPDX-License-Identifier: MIT */
/* Tables only; result_shape.c says which key has which. */
#include "harness/measure/result_words.h"

#include <stddef.h>

const struct json_word verdict_means[] = {
    {"met", "the whole interval lies within the target; of a run: every objective and every check is met"},
    {"missed", "the whole interval lies beyond the target; of a run: at least one objective is missed"},
    {"inconclusive", "drtest could not tell: the interval holds the target, or a check does not let it be believed"},
    {"skipped", "not judged: nothing ran, the run ended before, or nobody could know; never changes a verdict"},
    {NULL, NULL}};

const struct json_word status_means[] = {
    {"completed", "all phases ran and the numbers are to be believed"},
    {"void", "a check says that the numbers are not to be believed; all objectives are inconclusive"},
    {"interrupted", "ended early by a signal, abort_when or --timeout; what was decided until then stands"},
    {"unfit", "this machine cannot do what the scenario asks for; nothing ran"},
    {NULL, NULL}};

const struct json_word lab_means[] = {{"netns", "real processes and packets in network namespaces"},
                                      {"sim", "a model on virtual time"},
                                      {NULL, NULL}};

const struct json_word phase_means[] = {
    {"lab_up", "namespaces, links and addresses are made"},
    {"setup", "nodes, workers and canaries start"},
    {"baseline", "traffic flows and the steady state must hold"},
    {"fault", "the timeline: faults are applied, proven, held and healed"},
    {"failback", "service goes home and replicas converge"},
    {"quiesce", "traffic stops, nothing may be in flight"},
    {"final_read", "everything stored is read, before and after a restart of the stores"},
    {"lab_down", "all of it is closed"},
    {"audit", "is anything left on the host?"},
    {NULL, NULL}};

const struct json_word proof_means[] = {{"proven", "a second witness saw it"},
                                        {"refuted", "a second witness saw that it is not so"},
                                        {"unproven", "no witness could tell in time, or none was asked"},
                                        {NULL, NULL}};

const struct json_word ended_by_means[] = {{"for", "its own `for:` was over"},
                                           {"restore", "a restore step"},
                                           {"rollback", "the end of the drill, whatever ended it"},
                                           {"none", "nothing healed it"},
                                           {NULL, NULL}};

const struct json_word event_means[] = {
    {"first_failure", "planned send of the first request that failed"},
    {"detected", "the system itself reacted for the first time"},
    {"alerted", "a gateway raised the alert that the step names, or the first one"},
    {"first_success", "first good answer after the first failure, of the client that waited longest"},
    {"recovered", "first request of stable service, of the client that waited longest"},
    {"failed_back", "the home region serves again"},
    {"repaired", "a drifted gateway runs the configuration of before"},
    {"converged", "the logs of all regions are equal"},
    {NULL, NULL}};

const struct json_word direction_means[] = {{"at_most", "met if the upper end is at most the target"},
                                            {"at_least", "met if the lower end is at least the target"},
                                            {NULL, NULL}};

const struct json_word unit_means[] = {{"s", "seconds"},
                                       {"ms", "milliseconds"},
                                       {"ratio", "a share, 1 is all"},
                                       {"count", "a number of things"},
                                       {NULL, NULL}};

const struct json_word method_means[] = {{"timestamp", "from the times of single requests"},
                                         {"ledger", "from the ledger of writes and the final reads"},
                                         {"window", "from all requests of a window"},
                                         {"poll", "from asking the nodes again and again"},
                                         {NULL, NULL}};

const struct json_word recovered_by_means[] = {
    {"failover", "service was stable again while the fault was still in force"},
    {"operator", "the same, after a step `fail_over` or `fail_back`"},
    {"heal", "service was stable only after the fault had ended; such an RTO is never met"},
    {"never", "service was not stable again before the end"},
    {NULL, NULL}};

const struct json_word flag_means[] = {
    {"coarse", "the clients' probe interval is more than 1 % of the target: a higher rate would say more"},
    {"degraded", "a process of ours was later than the probe interval during the recovery"},
    {"flapped", "service came back and failed again before it was stable"},
    {"hold_cut", "service had come back, but the heal came before it had been good for the whole hold"},
    {NULL, NULL}};

const struct json_word check_means[] = {
    {"steady_state", "service was as good before the first fault as the scenario asks; else the run is void"},
    {"fault_proof", "every fault was proven, stayed in force, and its heal was proven; else the run is void"},
    {"harness", "drtest itself can be believed: self-test, no errors, no stalls, sane clocks; else the run is void"},
    {"ledger", "the record of writes is whole and holds no write that nobody sent; else the run is void"},
    {"completed", "all phases ran to their end; if not, the run is not met but decided objectives stand"},
    {"rollback", "the host is as it was before the run; if not, the run is not met but decided objectives stand"},
    {NULL, NULL}};

const struct json_word when_means[] = {{"before", "acknowledged before the fault: the price of a fail-over"},
                                       {"after", "acknowledged while the fault held: the mark of a split brain"},
                                       {NULL, NULL}};

const struct json_word class_means[] = {{"gone", "in no store any more"},
                                        {"stranded", "still in some store, but not where it can be read for certain"},
                                        {NULL, NULL}};

const struct json_word drift_means[] = {{"in_sync", "runs what is desired"},
                                        {"changed", "runs something else than what is desired"},
                                        {"missing", "something is desired, nothing runs"},
                                        {"unexpected", "something runs, nothing is desired"},
                                        {NULL, NULL}};

const struct json_word drift_kind_means[] = {
    {"lagging", "what was desired before runs, and a newer one could not be taken over"},
    {"secret", "credentials, key or certificate are other ones than desired"},
    {"runtime_patch", "what runs was changed in the running process, past file and control plane"},
    {"file_edit", "the configuration file was changed, or cannot be read"},
    {"foreign", "what runs was never desired, and neither file nor process say where it comes from"},
    {"partial_apply", "what is desired runs, but not in all of its parts"},
    {NULL, NULL}};

const struct json_word change_means[] = {
    {"worse", "by more than the two intervals can explain"},
    {"better", "by more than the two intervals can explain"},
    {"none_shown", "the intervals overlap: no change that can be told"},
    {"not_compared", "a gate took the objective back in one of the runs"},
    {NULL, NULL}};

const struct json_word with_means[] = {
    {"previous", "the last run that counts of the same scenario, configuration and kind of lab"},
    {"baseline", "the run kept in the file of --baseline"},
    {NULL, NULL}};

const struct json_word dns_means[] = {{"honours", "as long as the answer says; the verdict is about these"},
                                      {"clamps", "for 30 s at least"},
                                      {"pins", "the first one for ever"},
                                      {"several", "as long as it says, and all addresses are tried"},
                                      {NULL, NULL}};
