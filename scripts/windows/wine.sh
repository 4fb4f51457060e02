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

# Programs and the server of this prefix: to be gone before its files go, and before others come.
end_all() {
    wineserver -k >/dev/null 2>&1 || true
    wineserver -w >/dev/null 2>&1 || true
}
# A step that makes the prefix. Wine may keep a helper running that holds our pipes open: it gets none.
make() {
    what=$1
    shift
    env -u DISPLAY "$@" >"$WINEPREFIX.log" 2>&1 </dev/null && return
    code=$?
    cat "$WINEPREFIX.log" >&2
    echo "Wine's prefix $WINEPREFIX cannot be made: $what ended with $code." >&2
    exit 1
}
make_prefix() {
    [ ! -d "$WINEPREFIX" ] || end_all
    rm -rf "$WINEPREFIX"
    mkdir -p "$WINEPREFIX"
    make 'wineboot' wineboot -i
    # Windows Server 2016. From build 17763 on, tao and muda call functions of uxtheme.dll by their numbers, behind
    # which Wine 8 has others: a crash, or not, as the stack happens to be.
    # Without a screen there are windows all the same, that nobody sees.
    # Pages open in the browser, which Wine's own HTML would have seen to.
    cat >"$WINEPREFIX/settings.reg" <<'REG'
REGEDIT4

[HKEY_LOCAL_MACHINE\Software\Microsoft\Windows NT\CurrentVersion]
"CurrentMajorVersionNumber"=dword:0000000a
"CurrentMinorVersionNumber"=dword:00000000
"CurrentVersion"="10.0"
"CurrentBuild"="14393"
"CurrentBuildNumber"="14393"
"ProductName"="Windows Server 2016"

[HKEY_CURRENT_USER\Software\Wine\WineDbg]
"ShowCrashDialog"=dword:00000000

[HKEY_CURRENT_USER\Software\Wine\Drivers]
"Graphics"="x11,null"

[HKEY_CLASSES_ROOT\.html]
@="htmlfile"
REG
    make 'regedit' wine regedit /S "$WINEPREFIX/settings.reg"
    x86_64-w64-mingw32-gcc -shared -O1 -s -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
        "$here/process-prng.c" -ladvapi32
    # What was started without a screen must not stay: windows of programs with one would never be seen.
    end_all
    printf '%s\n' "$made_by" >"$WINEPREFIX/ready"
}
# A prefix that an older version of this made is made anew.
made_by=$(cat "$here/wine.sh" "$here/process-prng.c" | cksum)
is_ready() { [ "$(cat "$WINEPREFIX/ready" 2>/dev/null)" = "$made_by" ]; }

fresh=
if [ "${1:-}" = --fresh ]; then
    fresh=1
    shift
fi
# Tests start many at once: only one makes the prefix.
mkdir -p "$(dirname -- "$WINEPREFIX")"
if [ -n "$fresh" ] || ! is_ready; then
    (
        flock 9
        if [ -n "$fresh" ] || ! is_ready; then make_prefix; fi
    ) 9>"$WINEPREFIX.lock"
fi
[ $# -gt 0 ] || exit 0
exec wine "$@"
