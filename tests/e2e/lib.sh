# SPDX-License-Identifier: MIT
# Sourced by the scripts beside it: `. "$(dirname "$0")/lib.sh"` with the arguments DRTEST SOURCE of CTest.
#
# The scratch folder is the working directory and goes away at the end; the environment says nothing to drtest that the
# test did not say.
set -u
[ -x "$1" ] || { echo "$1 is no program"; exit 1; }
drtest=$1 source=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/drtest-e2e.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
for name in $(env | sed -n 's/^\(DRTEST_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
unset GITHUB_ACTIONS GITHUB_STEP_SUMMARY NO_COLOR FORCE_COLOR
export XDG_CONFIG_HOME="$scratch/config" CI=1
failures=0

# fail TEXT: note a failure, go on.
fail() {
    echo "FAILED: $1"
    failures=$((failures + 1))
}

# finish: the script's exit code.
finish() {
    [ "$failures" -eq 0 ] || exit 1
    exit 0
}

# skip REASON
skip() {
    echo "skipped: $1"
    exit 77
}

# try CODE SECONDS ARGS...: drtest with ARGS must end with CODE within SECONDS; what it printed is in `out` and `err`.
try() {
    want=$1 bound=$2
    shift 2
    timeout -k 5 "$bound" "$drtest" "$@" >out 2>err </dev/null
    got=$?
    if [ "$got" -ne "$want" ]; then
        fail "drtest $*: exit code $got, not $want"
        cut -c 1-160 out err | sed 's/^/    /' | head -30
    fi
}

# says FILE TEXT: FILE holds TEXT literally.
says() {
    grep -qF -- "$2" "$1" || {
        fail "$1 does not say: $2"
        cut -c 1-160 "$1" | sed 's/^/    /' | head -20
    }
}

# silent FILE
silent() {
    [ ! -s "$1" ] || {
        fail "$1 is not empty"
        cut -c 1-160 "$1" | sed 's/^/    /' | head -20
    }
}

# complete RUN: the directory of a run with writes holds what docs/results.md lists, and nothing else.
complete() {
    for file in events.jsonl junit.xml ledger.bin manifest.sha256 metrics.prom nodes plan.yaml report.html result.json samples.bin \
        summary.md timeline.jsonl undo.jsonl; do
        [ -s "$1/$file" ] || fail "$1/$file is missing or empty"
    done
    [ "$(ls -A "$1/" | wc -l)" -eq 13 ] || fail "$1 holds other files, too: $(ls -A "$1/" | tr '\n' ' ')"
    (cd "$1" && sha256sum --quiet -c manifest.sha256) || fail "the manifest does not fit"
}
