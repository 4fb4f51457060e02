#!/bin/sh
# All that is verified of the Windows programs, on Debian, under Wine: builds everything, and runs every test there
# is. Installs what is missing (as root). Stops at the first failure; what a step said is shown only then. A part of
# `.ci/run`: what cannot be had here makes it fail.
#
#   scripts/windows/verify.sh
set -eu
. "$(dirname -- "$0")/env.sh"

cd "$root"
log=$(mktemp)
begun=$(date +%s)
# Wine's server stays behind programs that end; ours is ended with us.
end_wine() {
    wineserver -k >/dev/null 2>&1 || true
    wineserver -w >/dev/null 2>&1 || true
    rm -f "$log"
}
trap end_wine EXIT
trap 'exit 1' HUP INT TERM

# Nothing may wait for ever.
step() {
    what=$1 limit=$2 start=$(date +%s)
    shift 2
    if ! timeout --kill-after=30 "$limit" "$@" >"$log" 2>&1 </dev/null; then
        cat "$log"
        echo "Windows: $what: FAILED after $(($(date +%s) - start)) s" >&2
        return 1
    fi
    printf 'Windows: %s: %s s%s\n' "$what" "$(($(date +%s) - start))" "$(result)"
}
# Wine may end a program by itself (docs/known-faults.md), or lose a click: what failed is tried a second time, in a prefix
# made anew, and both are told.
tried() {
    step "$@" || step "$1, a second time" "$2" "$3"
}
# The line in which a test counts what it did, and what had to be started again.
result() {
    grep -aE '^ +Summary|^[0-9]+ passed, [0-9]+ failed|checks in all|^idle:|bytes$|^Wine did not' "$log" |
        sed 's/^ *//' | tr '\n' ';' | sed 's/;$//; s/^/: /'
}

step 'toolchain' 900 "$here/toolchain.sh"
step 'a fresh prefix' 300 "$here/wine.sh" --fresh
# One server for all tests: a program that has to start one while the one before ends may end itself, silently.
wineserver -p
# Wine's services start with the first program, and hold its pipes open as long as they live: who reads from it to the
# end would wait for theirs.
step "Wine's services" 60 "$here/wine.sh" cmd /c exit
step 'clippy' 1200 "$here/cargo.sh" clippy --quiet --locked --all-targets -- -D warnings
if cargo nextest --version >/dev/null 2>&1; then
    step 'tests built' 1500 "$here/cargo.sh" nextest run --locked --no-run
    step 'unit and integration tests' 900 "$here/cargo.sh" nextest run --locked --no-fail-fast --retries 1
else
    step 'unit and integration tests' 1800 "$here/cargo.sh" test --locked --lib --bins --tests
fi
# Not as small as what is handed out, but made in a third of the time: with FULL=1 they are the same.
if [ -z "${FULL:-}" ]; then
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
fi
step 'programs' 1500 "$here/build.sh"
tried 'on the command line' 300 tests/windows/console.sh
tried 'VisualCron found, service started and stopped' 600 tests/windows/discovery.py
tried 'server cache cleared' 600 tests/windows/recovery.py
tried 'on the screen' 600 tests/windows/tray.py
tried 'the window of Clear server cache' 600 tests/windows/window.py
tried 'license host, validation, diagnosis, their windows' 600 tests/windows/license.py
tried 'packages' 900 tests/windows/msi.sh
printf 'Windows: all of it took %s s.\n' "$(($(date +%s) - begun))"
