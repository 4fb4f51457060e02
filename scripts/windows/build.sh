#!/bin/sh
# Builds the Windows programs: dist/visualcron-tray.exe, and dist/visualcron-tray.com, which is the same program
# for the console (see docs/windows.md). Makes what it needs for that the first time, as root.
set -eu
. "$(dirname -- "$0")/env.sh"

cd "$root"
"$here/toolchain.sh"
"$here/cargo.sh" build --quiet --release --locked --bin visualcron-tray
mkdir -p dist
cp "${WINDOWS_TARGET_DIR:-$WINDOWS_DIR/build}/$triple/release/visualcron-tray.exe" dist/visualcron-tray.exe
# Byte for byte the same, but for the header's word that says whether the program has a console.
x86_64-w64-mingw32-objcopy --subsystem console dist/visualcron-tray.exe dist/visualcron-tray.com
for program in dist/visualcron-tray.exe dist/visualcron-tray.com; do
    printf '%s: %s bytes\n' "$program" "$(stat -c %s "$program")"
done
