# Where the Windows build finds its things. Sourced by the scripts beside it; every value can be given from
# outside.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
here=$root/scripts/windows
triple=x86_64-pc-windows-gnu

# All that is made for Windows lies here, and may be removed at any time.
: "${WINDOWS_DIR:=$root/target/windows}"
# The standard library for Windows, made by toolchain.sh.
: "${WINDOWS_SYSROOT:=$WINDOWS_DIR/sysroot}"
# The Wine prefix: the folder that is Windows' drive C: and registry.
: "${WINEPREFIX:=$WINDOWS_DIR/prefix}"

export WINDOWS_DIR WINDOWS_SYSROOT WINEPREFIX
