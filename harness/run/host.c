/* SPDX-License-Identifier: MIT */
/* Method: read each fact where the kernel or the distribution states it; what cannot be read is "unknown". */
#include "harness/run/host.h"
#include "harness/base/text.h"
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FACT_MAX (64 * 1024)

static void host_os(struct text *out)
{
    scoped_text struct text release = {0};
    if (text_read_file(&release, "/etc/os-release", FACT_MAX, NULL) == 0) {
        const char *key = "PRETTY_NAME=\"", *at = strstr(text_str(&release), key);
        const char *end = at ? strchr(at + strlen(key), '"') : NULL;
        if (end) {
            text_add_bytes(out, at + strlen(key), (size_t)(end - at) - strlen(key));
            return;
        }
    }
    text_add(out, "unknown");
}

static void host_clocksource(struct text *out)
{
    if (text_read_file(out, "/sys/devices/system/clocksource/clocksource0/current_clocksource", FACT_MAX, NULL) < 0) {
        text_add(out, "unknown");
        return;
    }
    out->at[strcspn(out->at, "\n")] = '\0';
}

json_t *host_facts(bool rootless)
{
    struct utsname u = {0};
    uname(&u);
    struct sysinfo info = {0};
    sysinfo(&info);
    scoped_text struct text os = {0}, clocksource = {0};
    host_os(&os);
    host_clocksource(&clocksource);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:b}", "hostname", u.nodename, "kernel", u.release, "os",
                     text_str(&os), "arch", u.machine, "clocksource", text_str(&clocksource), "cpu_count",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory_bytes",
                     (json_int_t)info.totalram * info.mem_unit, "rootless", rootless);
}
