#!/usr/bin/env bash
# Scenarios on a real desktop that no one sees: Xvfb, openbox, an xfce4 panel with a tray, xfce4-notifyd.
#
#   tests/desktop/run.sh                 all scenarios
#   tests/desktop/run.sh bare_tray ...   these (names of tests/desktop/scenarios/*.py)
#
# Each scenario gets a desktop, a session bus and a home of its own. Its pictures land in target/desktop.
#
#   OUT=DIR       another folder for the pictures
#   PROFILE=NAME  programs from target/NAME instead of target/debug (release: for pictures in the README)
#   NO_BUILD=1    take the programs as they are
#   KEEP=1        keep the homes, and say where they are
#   DESK_HOME=DIR the home of each scenario, which must not be there yet (for pictures in the README)
#
# apt-get install --no-install-recommends xvfb openbox xfce4-panel xfce4-notifyd xfconf xclip xdotool imagemagick \
#   x11-utils strace dbus dbus-x11 libglib2.0-bin adwaita-icon-theme fonts-dejavu-core tesseract-ocr tesseract-ocr-eng
# With chromium as well, the pages that the tray opens are taken too.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
profile=${PROFILE:-debug}
export DESK_PROGRAMS=${CARGO_TARGET_DIR:-$root/target}/$profile
export DESK_OUT=${OUT:-$root/target/desktop}
mkdir -p "$DESK_OUT"

for tool in Xvfb openbox xfce4-panel xclip xdotool xmessage import convert tesseract dbus-run-session gdbus strace python3; do
    command -v "$tool" >/dev/null || { echo "missing: $tool (see the top of $0)" >&2; exit 2; }
done

if [ -z "${NO_BUILD:-}" ]; then
    flags=(); [ "$profile" = debug ] || flags=(--profile "$profile")
    (cd "$root" && cargo build --quiet --bins --example bare_tray --example recovery_window --example stand_in "${flags[@]}")
fi

if [ $# -eq 0 ]; then
    for file in "$here"/scenarios/*.py; do set -- "$@" "$(basename "$file" .py)"; done
fi

home='' xvfb=''
clean_up() {
    # The X clients end with their display, the rest with dbus-run-session.
    [ -z "$xvfb" ] || { kill "$xvfb" 2>/dev/null || true; wait "$xvfb" 2>/dev/null || true; }
    xvfb=''
    [ -z "$home" ] || [ -n "${KEEP:-}" ] || rm -rf "$home"
    home=''
}
trap clean_up EXIT
trap 'exit 130' INT TERM

one() {
    local name=$1 display
    if [ -n "${DESK_HOME:-}" ]; then
        mkdir "$DESK_HOME"  # And no other: it is removed in the end.
        home=$DESK_HOME
    else
        home=$(mktemp -d "${TMPDIR:-/tmp}/desk.XXXXXX")
    fi
    mkdir -p "$home"/{bin,run,tmp,.cache,.config/xfce4/xfconf/xfce-perchannel-xml,.local/share,.local/state}
    chmod 700 "$home/run"
    cp "$here"/config/xfce4-*.xml "$home/.config/xfce4/xfconf/xfce-perchannel-xml/"
    # What opens folders and web pages: it opens nothing and writes down what it was to open.
    printf '#!/bin/sh\nprintf "%%s\\n" "$*" >> "%s"\n' "$home/opened.log" > "$home/bin/xdg-open"
    chmod 755 "$home/bin/xdg-open"

    # It takes a free display itself, and says its number once it is ready. Without -noreset some runs fail:
    # the server resets when its first client leaves.
    mkfifo "$home/display"
    Xvfb -displayfd 9 -screen 0 1280x800x24 -nolisten tcp -noreset 9>"$home/display" >/dev/null 2>&1 &
    xvfb=$!
    read -r -t 20 display < "$home/display" || { echo "Xvfb does not start" >&2; return 1; }

    env -i PATH="$home/bin:$PATH" HOME="$home" USER="$(id -un)" TZ=Europe/Berlin LANG=C.UTF-8 \
        TMPDIR="$home/tmp" XDG_RUNTIME_DIR="$home/run" XDG_CONFIG_HOME="$home/.config" XDG_CACHE_HOME="$home/.cache" \
        XDG_DATA_HOME="$home/.local/share" XDG_STATE_HOME="$home/.local/state" XDG_CURRENT_DESKTOP=XFCE \
        DISPLAY=":$display" NO_AT_BRIDGE=1 GTK_THEME=Adwaita GDK_BACKEND=x11 OMP_THREAD_LIMIT=1 \
        DESK_PROGRAMS="$DESK_PROGRAMS" DESK_OUT="$DESK_OUT" PYTHONPATH="$root/tests/support" \
        timeout --kill-after=5 "${DESK_TIMEOUT:-300}" \
        dbus-run-session -- python3 "$here/desk.py" "$here/scenarios/$name.py" >"$home/said" 2>&1
}

passed=0 failed=0
for name in "$@"; do
    name=$(basename "$name" .py)
    begin=$(date +%s%N)
    if one "$name"; then verdict=ok; passed=$((passed + 1)); else verdict=FAILED; failed=$((failed + 1)); fi
    printf '%-6s %s (%d.%d s)\n' "$verdict" "$name" $((($(date +%s%N) - begin) / 1000000000)) \
        $((($(date +%s%N) - begin) / 100000000 % 10))
    if [ "$verdict" = FAILED ] && [ -e "$home/said" ]; then sed 's/^/    /' "$home/said"; fi
    [ -z "${KEEP:-}" ] || echo "    kept $home"
    clean_up
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
