#!/bin/sh
# Makes the stand-ins for the vendor's programs, with versions of their own, into a folder:
#
#   tests/windows/stand-ins/make.sh FOLDER [CLIENT-VERSION] [SERVER-VERSION]
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=$1 client=${2:-13.2.2.1} server=${3:-13.2.2.1}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# program SOURCE VERSION NAME FLAGS…
program() {
    source=$1 version=$2 name=$3
    shift 3
    cat >"$work/version.rc" <<RC
1 VERSIONINFO
FILEVERSION $(echo "$version" | tr . ,)
PRODUCTVERSION $(echo "$version" | tr . ,)
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904B0"
    BEGIN
      VALUE "FileDescription", "Stand-in for $name, for tests"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
RC
    x86_64-w64-mingw32-windres "$work/version.rc" "$work/version.o"
    x86_64-w64-mingw32-gcc -O1 -s -Wall -Wextra -municode "$@" -o "$out/$name" "$here/$source" "$work/version.o"
}
program service.c "$server" VisualCronService.exe
program program.c "$client" VisualCronClient.exe -mwindows
program program.c "$client" VCTray.exe -mwindows
