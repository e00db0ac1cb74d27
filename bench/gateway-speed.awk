# SPDX-License-Identifier: MIT
# Of bench/gateway: the tables over what it gathered. full: NAME requests cpu_ms req_per_s bad; paced: NAME planned ok failed
# late p50_us p99_us behind_us at `rate`, a line for each of the `turns` that a proxy had in a round, whose percentiles
# are the medians over them. Ratios are of the same round.
function sort(v, n,   i, j, x) {
    for (i = 2; i <= n; i++) {
        x = v[i]
        for (j = i - 1; j > 0 && v[j] > x; j--) v[j + 1] = v[j]
        v[j + 1] = x
    }
}
function median(v, n) { sort(v, n); return (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2 }
# The median of what `of` holds for a proxy.
function middle(of, name, n,   k, a) {
    for (k = 1; k <= n; k++) a[k] = of[name, k]
    return median(a, n)
}
function ratio(what, of, other, n,   k, a, m) {
    for (k = 1; k <= n; k++) a[k] = of[names[1], k] / of[other, k]
    m = median(a, n)
    printf "ratio %s / %s, %s: %.2f (%.2f to %.2f)\n", names[1], other, what, m, a[1], a[n]
}
FILENAME == "full" {
    k = ++count[$1]
    per_cpu[$1, k] = $2 / $3 * 1000
    per_s[$1, k] = $4
    bad[$1] += $5
    if (k == 1) names[++kinds] = $1
}
FILENAME == "paced" {
    k = int(paced[$1] / turns) + 1
    t = paced[$1]++ % turns + 1
    bad[$1] += $4
    turn50[$1, t] = $6
    turn99[$1, t] = $7
    turn_behind[$1, t] = $8
    if (t == turns) {
        p50[$1, k] = middle(turn50, $1, turns)
        p99[$1, k] = middle(turn99, $1, turns)
        behind[$1, k] = middle(turn_behind, $1, turns)
    }
}
END {
    printf "%-12s %12s %10s %10s %10s %17s %6s\n", "", "req/cpu-s", "req/s", "p50, us", "p99, us", "client behind, us", "bad"
    for (i = 1; i <= kinds; i++) {
        n = count[names[i]]
        printf "%-12s %12.0f %10.0f %10.0f %10.0f %17.0f %6d\n", names[i], middle(per_cpu, names[i], n),
            middle(per_s, names[i], n), middle(p50, names[i], n), middle(p99, names[i], n), middle(behind, names[i], n),
            bad[names[i]]
    }
    for (i = 2; i <= kinds; i++) {
        ratio("requests per cpu second", per_cpu, names[i], n)
        ratio("p99 at " rate " requests/s", p99, names[i], n)
    }
}
