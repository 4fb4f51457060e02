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
# Start on logon: one quoted value of this user, with the options; what Task Manager has switched off is off.
keys='Software\Microsoft\Windows\CurrentVersion'
value() { "$wine" reg query "$1" /v visualcron-tray 2>/dev/null | tr -d '\r' | sed -n 's/.*REG_[A-Z]*  *//p'; }
autostart() {
    # In a batch file, since Wine has quotation marks of its own on the way to cmd.
    printf '@%s %s\r\n@exit %%errorlevel%%\r\n' "$program" "$1" >"$out/a.bat"
    run 'target\windows\console\a.bat'
    [ "$code" = "$2" ] || fail "$1 gave $code"
    [ "$(tr -d '\r' <"$stdout")" = "$3" ] || fail "$1 said: $(cat "$stdout")"
}
program='dist\visualcron-tray.com'
autostart 'autostart off' 0 off
autostart '--data-dir "C:\my data" autostart on' 0 on
case $(value "HKCU\\$keys\\Run") in
*'\dist\visualcron-tray.exe" --data-dir "C:\my data"') ;;
*) fail "the Run key holds: $(value "HKCU\\$keys\\Run")" ;;
esac
approved="HKCU\\$keys\\Explorer\\StartupApproved\\Run"
"$wine" reg add "$approved" /v visualcron-tray /t REG_BINARY /d 03000000408a1b613f3bdb01 /f >/dev/null
autostart 'autostart status' 0 'off (switched off in Task Manager)'
autostart 'autostart on' 0 on
[ -z "$(value "$approved")" ] || fail "Task Manager's word is still there"
# What an administrator set for all users is not this user's to remove, not even with rights to do so.
"$wine" reg add "HKLM\\$keys\\Run" /v visualcron-tray /d '"C:\x.exe"' /f >/dev/null
autostart 'autostart off' 77 ''
[ -n "$(value "HKLM\\$keys\\Run")" ] || fail "the machine's entry is gone"
[ -z "$(value "HKCU\\$keys\\Run")" ] || fail "the user's entry is still there"
autostart 'autostart status' 0 'on (for all users of this machine)'
"$wine" reg delete "HKLM\\$keys\\Run" /v visualcron-tray /f >/dev/null
autostart 'autostart status' 0 off
echo "console: ok"
