#!/bin/sh
# All that is verified of the Windows programs, on Debian, under Wine: builds everything, and runs every test there
# is. Installs what is missing (as root). Stops at the first failure; what a step said is shown only then.
#
#   scripts/windows/verify.sh
set -eu
. "$(dirname -- "$0")/env.sh"

cd "$root"
log=$(mktemp)
begun=$(date +%s)
trap 'rm -f "$log"' EXIT

# Wine prefixes are made anew; nothing may wait for ever.
step() {
    what=$1 limit=$2 start=$(date +%s)
    shift 2
    if ! timeout --kill-after=30 "$limit" "$@" >"$log" 2>&1 </dev/null; then
        cat "$log"
        echo "Windows: $what: FAILED after $(($(date +%s) - start)) s" >&2
        exit 1
    fi
    printf 'Windows: %s: %s s%s\n' "$what" "$(($(date +%s) - start))" "$(result)"
}
# The line in which a test counts what it did.
result() {
    grep -aE '^ +Summary|^[0-9]+ passed, [0-9]+ failed|checks in all|bytes$' "$log" | sed 's/^ *//' | tr '\n' ';' | sed 's/;$//; s/^/: /'
}

step 'toolchain' 900 "$here/toolchain.sh"
step 'a fresh prefix' 300 "$here/wine.sh" --fresh
step 'clippy' 900 "$here/cargo.sh" clippy --quiet --locked --all-targets -- -D warnings
if cargo nextest --version >/dev/null 2>&1; then
    step 'unit and integration tests' 1500 "$here/cargo.sh" nextest run --locked --no-fail-fast
else
    step 'unit and integration tests' 1500 "$here/cargo.sh" test --locked --lib --bins --tests
fi
step 'programs' 1500 "$here/build.sh"
step 'on the command line' 300 tests/windows/console.sh
step 'VisualCron found, service started and stopped' 600 tests/windows/discovery.py
step 'on the screen' 600 tests/windows/tray.py
step 'packages' 900 tests/windows/msi.sh
wineserver -k >/dev/null 2>&1 || true
printf 'Windows: all of it took %s s.\n' "$(($(date +%s) - begun))"
