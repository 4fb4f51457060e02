#!/bin/sh
# Runs a command under Wine, with Wine 8's quirks seen to:
#
#   scripts/windows/wine.sh [--fresh] [COMMAND ARGS…]
#
# The prefix (drive C: and registry; $WINEPREFIX, by default target/windows/prefix) is made where there is none;
# --fresh makes it anew. What a program prints and its exit code come through.
set -eu
. "$(dirname -- "$0")/env.sh"

# No chatter, and no debugger window that waits for a click when a program crashes.
export WINEDEBUG="${WINEDEBUG:--all}"
# No offers to download Mono and Gecko, no entries in the Linux desktop's menus.
export WINEDLLOVERRIDES="winedbg.exe=d;mscoree=d;mshtml=d;winemenubuilder.exe=d"
export WINEARCH=win64

make_prefix() {
    rm -rf "$WINEPREFIX"
    mkdir -p "$WINEPREFIX"
    # Wine may keep a helper running that holds our pipes open: it gets none.
    env -u DISPLAY wineboot -i >/dev/null 2>&1 </dev/null
    env -u DISPLAY wine reg add 'HKCU\Software\Wine\WineDbg' /v ShowCrashDialog /t REG_DWORD /d 0 /f \
        >/dev/null 2>&1 </dev/null
    # Windows 10, for which the program is made.
    env -u DISPLAY wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1 </dev/null
    x86_64-w64-mingw32-gcc -shared -O1 -s -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
        "$here/process-prng.c" -ladvapi32
    : >"$WINEPREFIX/ready"
}

fresh=
if [ "${1:-}" = --fresh ]; then
    fresh=1
    shift
fi
if [ -n "$fresh" ] && [ -d "$WINEPREFIX" ]; then
    wineserver -k >/dev/null 2>&1 || true
    wineserver -w >/dev/null 2>&1 || true
fi
# Tests start many at once: only one makes the prefix.
mkdir -p "$(dirname -- "$WINEPREFIX")"
if [ -n "$fresh" ] || [ ! -f "$WINEPREFIX/ready" ]; then
    (
        flock 9
        if [ -n "$fresh" ] || [ ! -f "$WINEPREFIX/ready" ]; then make_prefix; fi
    ) 9>"$WINEPREFIX.lock"
fi
[ $# -gt 0 ] || exit 0
exec wine "$@"
