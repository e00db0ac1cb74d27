/* SPDX-License-Identifier: MIT */
/*
 * What an auditor wants to know of the client: library, version, and the settings that decide what its numbers mean. The
 * list repeats in words what transport_curl.c sets.
 */
#include "harness/load/client.h"

#include <curl/curl.h>

json_t *transport_curl_facts(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    return json_pack("{s:s, s:s, s:b, s:s, s:{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:b, s:s, s:s}}", //
                     "library", "libcurl", "version", v->version,                                                     //
                     "asynchronous_resolver", (v->features & CURL_VERSION_ASYNCHDNS) != 0,                            //
                     "queue_time", LIBCURL_VERSION_NUM >= 0x080600 ? "checked" : "unavailable",                       //
                     "options",                                                                                       //
                     "FRESH_CONNECT", "1 on fresh reads and writes, 0 on kept-alive reads",                           //
                     "FORBID_REUSE", "1 on fresh reads and writes, 0 on kept-alive reads",                            //
                     "HTTP_VERSION", "1.1",                                                                           //
                     "DNS_CACHE_TIMEOUT", 0,                                                                          //
                     "CONNECTTIMEOUT_MS", "request timeout",                                                          //
                     "TIMEOUT_MS", "request timeout",                                                                 //
                     "MAX_TOTAL_CONNECTIONS", 0,                                                                      //
                     "MAX_HOST_CONNECTIONS", 0,                                                                       //
                     "MAXCONNECTS", "twice the requests that can be under way",                                       //
                     "PROXY", "",                                                                                     //
                     "FOLLOWLOCATION", 0,                                                                             //
                     "PIPEWAIT", 0,                                                                                   //
                     "NOSIGNAL", "1",                                                                                 //
                     "IPRESOLVE", "IPv4");
}
