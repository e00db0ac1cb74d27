/* SPDX-License-Identifier: MIT */
/*
 * What an auditor wants to know of the client: library, version, and the settings that decide what its numbers mean.
 * The table repeats in words what curl_transfer.c and transport_curl.c set.
 */
#include "harness/base/scoped.h"
#include "harness/load/client.h"

#include <curl/curl.h>

static const struct {
    const char *option, *value;
} settings[] = {
    {"FRESH_CONNECT", "1; 0 on kept-alive reads"},
    {"FORBID_REUSE", "1; 0 on kept-alive reads"},
    {"HTTP_VERSION", "1.1"},
    {"DNS_CACHE_TIMEOUT", "0"},
    {"CONNECTTIMEOUT_MS", "request timeout"},
    {"TIMEOUT_MS", "request timeout"},
    {"MAX_TOTAL_CONNECTIONS", "0"},
    {"MAX_HOST_CONNECTIONS", "0"},
    {"MAXCONNECTS", "twice the requests that can be under way"},
    {"PIPEWAIT", "0"},
    {"PROXY", ""},
    {"FOLLOWLOCATION", "0"},
    {"NOSIGNAL", "1"},
    {"IPRESOLVE", "IPv4"},
    {"SSL_VERIFYPEER", "1 where the topology has tls"},
    {"SSL_VERIFYHOST", "2 where the topology has tls"},
    {"CAINFO", "the root of the run's own authority, where the topology has tls"},
    {"CAPATH", ""},
    {"SSLVERSION", "1.2 or newer"},
    {"SSL_SESSIONID_CACHE", "0"},
    {"OPENSOCKETFUNCTION", "binds to the client's addresses in turn where it has several"},
};

json_t *transport_curl_facts(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    json_t *options = json_object();
    for (size_t i = 0; i < array_len(settings); i++) {
        json_object_set_new(options, settings[i].option, json_string(settings[i].value));
    }
    return json_pack("{s:s, s:s, s:s?, s:b, s:s, s:o}", "library", "libcurl", "version", v->version, "tls",
                     v->ssl_version, "asynchronous_resolver", (v->features & CURL_VERSION_ASYNCHDNS) != 0, "queue_time",
                     LIBCURL_VERSION_NUM >= 0x080600 ? "checked" : "unavailable", "options", options);
}
