#!/usr/bin/env bash
# The page /offline in a real Chromium, with playwright-core and axe-core from npm. Where one of them cannot be had it says
# so, and ends with 0: with REQUIRED=1 it fails. Pictures land in target/offline-page.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/target/offline-page

skip() {
    echo "SKIPPED: the page /offline in a browser: $1"
    [ -z "${REQUIRED:-}" ]
    exit
}

CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$CHROMIUM" ] || skip "no chromium (apt-get install --no-install-recommends chromium)"
command -v node >/dev/null && command -v npm >/dev/null || skip "no node and npm"
mkdir -p "$out"
if ! cmp -s "$here/package.json" "$out/package.json" || [ ! -d "$out/node_modules/axe-core" ]; then
    cp "$here/package.json" "$out/"
    (cd "$out" && npm install --silent --no-audit --no-fund >/dev/null 2>&1) || { rm "$out/package.json"; skip "npm cannot get playwright-core and axe-core"; }
fi
[ -n "${NO_BUILD:-}" ] || (cd "$root" && cargo build --quiet --bin visualcron-tray)

export CHROMIUM OUT=$out MODULES=$out/node_modules
export PROGRAM=${CARGO_TARGET_DIR:-$root/target}/debug/visualcron-tray
timeout 300 node "$here/page.mjs"
