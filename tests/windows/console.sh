#!/bin/sh
# The verbs in a console, under Wine: both programs print, can be redirected, and give their exit codes to cmd.
#
#   tests/windows/console.sh      after scripts/windows/build.sh
set -eu
cd "$(dirname -- "$0")/../.."
wine=scripts/windows/wine.sh
out=target/windows/console
rm -rf "$out"
mkdir -p "$out"

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# What cmd gives back as its exit code, and what it left in the files $stdout and $stderr. New files each time: the
# first program that Wine starts makes its services, and they keep that program's streams open.
number=0
run() {
    code=0
    number=$((number + 1))
    stdout=$out/$number.stdout
    stderr=$out/$number.stderr
    "$wine" cmd /c "$1 >target\\windows\\console\\$number.stdout 2>target\\windows\\console\\$number.stderr" </dev/null || code=$?
}

for program in 'dist\visualcron-tray.exe' 'dist\visualcron-tray.com'; do
    run "$program --version"
    [ "$code" = 0 ] || fail "$program --version gave $code"
    grep -q '^visualcron-tray ' "$stdout" || fail "$program --version printed nothing"
    run "$program releases --version 99x"
    [ "$code" = 64 ] || fail "$program gave $code for wrong use"
    grep -q 'is no version' "$stderr" || fail "$program said nothing on standard error"
    [ ! -s "$stdout" ] || fail "$program said its error on standard output"
    run "$program --data-dir C:\\none --config C:\\none\\s.toml --visualcron-dir C:\\none status"
    [ "$code" = 3 ] || fail "$program status gave $code"
    # A pipe, with cmd's own streams not redirected.
    text=$("$wine" cmd /c "$program releases --version 12.1.4" </dev/null) || fail "$program in a pipe gave $?"
    case $text in *"was released on 2025-04-14"*) ;; *) fail "$program in a pipe said: $text" ;; esac
    # A batch file waits, and goes on by the exit code.
    printf '@echo off\r\n%s releases --version 99x 2>nul\r\nif errorlevel 64 echo waited\r\n' "$program" >"$out/t.bat"
    "$wine" cmd /c 'target\windows\console\t.bat' </dev/null | grep -q waited || fail "a batch file did not wait for $program"
done

# Typed without its ending, the console's program is found first.
"$wine" cmd /c 'cd dist && visualcron-tray --version' </dev/null | grep -q '^visualcron-tray ' || fail "not found by its name"
echo "console: ok"
