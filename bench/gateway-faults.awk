# SPDX-License-Identifier: MIT
# Of bench/gateway: the table over lines of FAULT PROXY planned ok failed late p50_us p99_us.
function sort(v, n,   i, j, x) {
    for (i = 2; i <= n; i++) {
        x = v[i]
        for (j = i - 1; j > 0 && v[j] > x; j--) v[j + 1] = v[j]
        v[j + 1] = x
    }
}
# "median (least to most)" of what `of` holds for a fault and a proxy.
function spread(of, fault, name,   k, a, n) {
    n = count[fault, name]
    for (k = 1; k <= n; k++) a[k] = of[fault, name, k]
    sort(a, n)
    return sprintf("%g (%d to %d)", (a[int((n + 1) / 2)] + a[int(n / 2) + 1]) / 2, a[1], a[n])
}
{
    if (!(($1, $2) in count)) order[++rows] = $1 " " $2
    k = ++count[$1, $2]
    failed[$1, $2, k] = $5
    late[$1, $2, k] = $6
}
END {
    printf "%-11s %-11s %18s %18s\n", "", "", "failed", "late"
    for (i = 1; i <= rows; i++) {
        split(order[i], row, " ")
        printf "%-11s %-11s %18s %18s\n", row[1], row[2], spread(failed, row[1], row[2]), spread(late, row[1], row[2])
    }
}
