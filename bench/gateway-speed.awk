# SPDX-License-Identifier: MIT
# Of bench/gateway: the tables over what it gathered. full: NAME requests cpu_ms req_per_s bad; half: NAME planned ok failed
# late p50_us p99_us. Ratios are of the same round.
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
    rate[$1, k] = $4
    bad[$1] += $5
    if (k == 1) names[++kinds] = $1
}
FILENAME == "half" {
    k = ++halves[$1]
    bad[$1] += $4
    p50[$1, k] = $6
    p99[$1, k] = $7
}
END {
    printf "%-12s %12s %10s %14s %14s %8s\n", "", "req/cpu-s", "req/s", "p50 half, us", "p99 half, us", "bad"
    for (i = 1; i <= kinds; i++) {
        n = count[names[i]]
        printf "%-12s %12.0f %10.0f %14.0f %14.0f %8d\n", names[i], middle(per_cpu, names[i], n), middle(rate, names[i], n),
            middle(p50, names[i], n), middle(p99, names[i], n), bad[names[i]]
    }
    for (i = 2; i <= kinds; i++) {
        ratio("requests per cpu second", per_cpu, names[i], n)
        ratio("p99 at half load", p99, names[i], n)
    }
}
