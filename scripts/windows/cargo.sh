#!/bin/sh
# Cargo for Windows: scripts/windows/cargo.sh ARGS…, such as `build`, `clippy --all-targets`, `test`,
# `nextest run`. Programs run under Wine. Needs toolchain.sh once before.
set -eu
. "$(dirname -- "$0")/env.sh"

if [ ! -f "$WINDOWS_SYSROOT/made-by" ]; then
    echo "The standard library for Windows is missing: run scripts/windows/toolchain.sh first." >&2
    exit 1
fi

# Debian's compiler, its documentation tool and its clippy belong together, whatever else is in the path.
export PATH="/usr/bin:$PATH" RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc CARGO=/usr/bin/cargo
export CARGO_BUILD_TARGET=$triple
export CARGO_TARGET_DIR="${WINDOWS_TARGET_DIR:-$WINDOWS_DIR/build}"
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS="--sysroot=$WINDOWS_SYSROOT"
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="$here/wine.sh"
# Without what debuggers read a test is 20 MB instead of 100, and linked sooner.
export CARGO_PROFILE_DEV_DEBUG="${CARGO_PROFILE_DEV_DEBUG:-none}"
unset RUSTUP_TOOLCHAIN
exec /usr/bin/cargo "$@"
