#!/usr/bin/env bash
# Installs, upgrades, repairs and removes the packages under Wine: for one user and for all, each in a fresh prefix,
# and holds files and registry against what was there before. Needs dist/visualcron-tray.{exe,com}
# (scripts/windows/build.sh), or PROGRAMS. Ends with the line "N passed, N failed".
#
# Wine's quirks, seen to here and not on a real Windows:
#
#   - the entry in Programs and Features of a per-user package is below HKLM, not HKCU, and EstimatedSize is 0
#   - a shortcut for all users lands in the menu of the user who installs
#   - the shortcut does not get the properties of MsiShortcutProperty: only the table is looked at
#   - there is no Restart Manager and no UAC; the user is an administrator
#   - after a removal empty registry keys of its own bookkeeping stay below Installer, and a copy of the package in
#     C:\windows\Installer
#   - msiexec /f ends with 1: a repair is asked for by REINSTALL=ALL REINSTALLMODE=omus, which is the same
#   - RemoveFile takes * for a name, and folders are tried before their files are gone: so of the settings only those
#     files go that have a row of their own, and the folder Programs stays
#   - an upgrade removes the old version without telling it that it is one (UPGRADINGPRODUCTCODE), so that it takes the
#     start on logon with it: that this stays is shown by removing the old version with that property
#   - the log of a silent installation lacks the text of a launch condition: the table is looked at
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
: "${PROGRAMS:=dist}"
work=$(mktemp -d)
export WINEPREFIX=$work/prefix WINEDEBUG=-all
passed=0 failed=0
started=$SECONDS

pass() { passed=$((passed + 1)); printf 'ok      %s\n' "$1"; }
fail() { failed=$((failed + 1)); printf 'FAILED  %s\n' "$1"; [ $# -lt 2 ] || sed 's/^/        /' <<<"$2"; }
# is NAME EXPECTED FOUND
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "$(printf 'expected: %s\nfound:    %s' "$2" "$3")"; fi; }
# has NAME TEXT-IN FOUND
has() { case $3 in *"$2"*) pass "$1" ;; *) fail "$1" "$(printf 'expected in it: %s\nfound:          %s' "$2" "$3")" ;; esac; }
there() { if [ -e "$2" ]; then pass "$1"; else fail "$1" "missing: $2"; fi; }
gone() { if [ -e "$2" ]; then fail "$1" "still there: $2"; else pass "$1"; fi; }

display=
cleanup() {
    end_trays
    wineserver -k >/dev/null 2>&1
    wineserver -w >/dev/null 2>&1
    [ -z "$display" ] || kill "$display" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

# Xvfb takes a free number itself, and tells it.
mkfifo "$work/display"
Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp -noreset 3>"$work/display" >/dev/null 2>&1 &
display=$!
read -r number <"$work/display"
export DISPLAY=:$number

# Through a file: a tray that is started keeps a pipe open, and its reader waiting.
wine_run() {
    timeout 120 "$root/scripts/windows/wine.sh" "$@" >"$work/said" 2>/dev/null </dev/null
    tr -d '\r' <"$work/said"
}
# Wine hands on only the low byte of an exit code: cmd tells the whole of it.
msiexec() { wine_run cmd /v:on /c "msiexec $* ${level-/qn} & echo !errorlevel!" | tail -n 1 | tr -d ' '; }
windows_path() { printf 'Z:%s' "${1//\//\\}"; }
# repair PACKAGE PROPERTY=VALUE…
repair() {
    local package
    package=$(windows_path "$1")
    shift
    msiexec /i "$package" REINSTALL=ALL REINSTALLMODE=omus "$@"
}
# What an upgrade leaves of the start on logon; it is as before then.
logon_after() {
    if [ -n "$(value "$run" visualcron-tray)" ]; then
        is 'start on logon as it was' "$1" "$(value "$run" visualcron-tray)"
        return
    fi
    printf 'quirk   an upgrade takes the start on logon away: Wine does not tell the old version that it is one\n'
    wine_run reg add "$run" /v visualcron-tray /d "$1" /f >/dev/null
}
default_value() { wine_run reg query "$1" /ve | sed -n 's/^.*REG_SZ *//p'; }
value() { wine_run reg query "$1" /v "$2" | sed -n "s/^ *$2 *REG_[A-Z_]* *//p"; }

# The trays of this prefix: not their twins that only ask something.
trays() {
    local pid
    for pid in $(pgrep -f 'visualcron-tray\.exe' 2>/dev/null); do
        if { tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qx "WINEPREFIX=$WINEPREFIX" &&
            ! { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -q 'start\.exe\|conhost'; then
            echo "$pid"
        fi
    done
}
end_trays() { local pid; for pid in $(trays); do kill -9 "$pid" 2>/dev/null; done; }
# waits until there is a tray (yes) or none (no)
wait_tray() {
    local n
    for n in $(seq 100); do
        case $1:$(trays | wc -l) in no:0 | yes:[1-9]*) return 0 ;; esac
        sleep 0.1
    done
    return 1
}
start_tray() { "$root/scripts/windows/wine.sh" "$1" >/dev/null 2>&1 </dev/null & wait_tray yes && sleep 1; }

# Files and registry, without what Wine itself writes all the time.
snapshot() {
    wineserver -w >/dev/null 2>&1 # what is in memory only is written at the end
    (cd "$WINEPREFIX/drive_c" && find . -mindepth 1 ! -path './windows/Installer/*' ! -path './windows/temp/*' \
        ! -path './users/*/Temp/*' ! -path './users/*/AppData/Local/Temp/*' | LC_ALL=C sort) >"$1.files"
    # One line a value, with its key before it.
    python3 - "$WINEPREFIX"/{user,system}.reg >"$1.registry" <<'PYTHON'
import re, sys
for path in sys.argv[1:]:
    key = ""
    text = open(path, encoding="utf-8", errors="replace").read().replace("\\\n  ", "")
    for line in text.split("\n"):
        if line.startswith("["):
            key = re.sub(r"\] \d+$", "]", line)
            print(path.split("/")[-1], key)
        elif line.startswith(('"', "@")):
            print(path.split("/")[-1], key, line)
PYTHON
    LC_ALL=C sort -o "$1.registry" "$1.registry"
}
# What Wine keeps of an installation that is gone, and what changes by itself.
quirks='Installer|StartupApproved|Explorer\\\\(Menu|StartPage|FileExts|RecentDocs|Shell Folders)|\\\\Wine\\\\|winebth|\\\\Services\\\\|Volatile|Session Manager|UserAssist|MSI[0-9a-f]|Tracing|DeviceClasses|Enum\\\\|Fonts|Time Zones|Perflib|Hardware|Video|Prefetcher|Control Panel|Drivers|DriverDateData'
left_files() { comm -13 "$1.files" "$2.files" | grep -Ev '^\./windows/Installer$|/AppData/Roaming/Microsoft/Installer$|/AppData/Local/Programs$'; }
left_registry() { comm -13 "$1.registry" "$2.registry" | grep -Ev "$quirks"; }
missing() { comm -23 "$1" "$2" | grep -Ev "$quirks"; }

fresh() {
    printf '\n== %s (%ss)\n' "$1" "$((SECONDS - started))"
    end_trays
    "$root/scripts/windows/wine.sh" --fresh >/dev/null 2>&1
    home=$WINEPREFIX/drive_c/users/$(id -un)
    snapshot "$work/before"
}
summary_of() { msiinfo suminfo "$1" | sed -n "s/^$2: //p"; }
table() { msiinfo export "$1" "$2" | tr -d '\r' | tail -n +4; }
property() { table "$1" Property | sed -n "s/^$2\t//p"; }

# --- the packages ---------------------------------------------------------------------------------------------
printf '== packages\n'
export PROJECT_URL=https://visualcron-tray.example SOURCE_DATE_EPOCH=1767225600 PROGRAMS
for version in 7.1.0 7.2.0; do
    OUT=$work/out VERSION=$version "$root/scripts/windows/msi.sh" >"$work/log" 2>&1 ||
        { fail "packages of $version are made" "$(cat "$work/log")"; echo "$passed passed, $failed failed"; exit 1; }
done
grep bytes "$work/log" | sed "s|$work/||"
user1=$work/out/visualcron-tray-7.1.0-x64.msi user2=$work/out/visualcron-tray-7.2.0-x64.msi
machine1=$work/out/visualcron-tray-7.1.0-x64-machine.msi machine2=$work/out/visualcron-tray-7.2.0-x64-machine.msi
zip=$work/out/visualcron-tray-7.2.0-x64.zip
OUT=$work/again VERSION=7.2.0 "$root/scripts/windows/msi.sh" >/dev/null 2>&1
for file in "$user2" "$machine2" "$zip"; do
    cmp -s "$file" "$work/again/$(basename "$file")" && pass "made twice, the same bytes: $(basename "$file")" ||
        fail "made twice, the same bytes: $(basename "$file")"
done
for package in "$user1" "$user2" "$machine1" "$machine2"; do
    property "$package" ProductCode
    property "$package" UpgradeCode
    summary_of "$package" 'Revision number (UUID)'
done | sort | uniq -c | awk '{print $1}' | sort | uniq -c | tr -s ' \n' ' ' >"$work/codes"
is 'product and package codes are of one package, upgrade codes of one scope' ' 8 1 2 2 ' "$(cat "$work/codes")"
is 'the package for one user needs no elevation' '10 (a)' "$(summary_of "$user1" Source)"
is 'the package for all users is per machine' '1' "$(property "$machine1" ALLUSERS)"
for package in "$user1" "$machine1"; do
    name=$(basename "$package")
    is "$name: the shortcut has the AppUserModelID" $'StartMenuId\tStartMenu\tSystem.AppUserModel.ID\tvisualcron-tray' \
        "$(table "$package" MsiShortcutProperty)"
    is "$name: and it is the program's" visualcron-tray \
        "$(sed -n 's/^pub const ID: &str = "\(.*\)";/\1/p' src/platform/windows/identity.rs)"
    is "$name: programs have the version of their resource" 2 \
        "$(table "$package" File | grep -c "\.\(exe\|com\)	.*	$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)\.0	")"
    is "$name: own actions are where they belong" \
        'RememberFolder CloseTray TellFolder NameConfig NameConfigAbove NameData NameDataLog NameDataPages NameDataIcons NameDataRecovery NameDataAbove ForgetPassword StartTray' \
        "$(table "$package" InstallExecuteSequence | sort -t"	" -k3n | cut -f1 | grep -Ex "$(table "$package" CustomAction | cut -f1 | paste -sd'|')" | grep -Ev 'Autostart|Unregister' | paste -sd' ')"
    is "$name: the old version is removed inside the transaction" 1 \
        "$(table "$package" InstallExecuteSequence | awk -F'\t' '{at[$1]=$3} END {print (at["InstallInitialize"] < at["RemoveExistingProducts"] && at["RemoveExistingProducts"] < at["ProcessComponents"])}')"
    has "$name: Programs and Features: address" https://visualcron-tray.example "$(property "$package" ARPURLINFOABOUT)"
    has "$name: Programs and Features: picture" app.ico "$(property "$package" ARPPRODUCTICON)"
    is "$name: fleets may set these, and what was found is handed on" \
        "$({ printf '%s\n' AUTOSTART INSTALLDIR LAUNCH REMOVESETTINGS; table "$package" AppSearch | cut -f1; table "$package" Upgrade | cut -f7; } | LC_ALL=C sort | paste -sd';')" \
        "$(property "$package" SecureCustomProperties)"
    is "$name: a double click reckons nothing that would be handed on" $'ExecuteAction\t\t1300' \
        "$(table "$package" InstallUISequence)"
    is "$name: no machine is restarted" ReallySuppress "$(property "$package" REBOOT)"
    for folder in $(table "$package" CustomAction | awk -F'\t' '$1 ~ /^Name/ {print $3}' | grep -v ABOVE); do
        is "$name: REMOVESETTINGS takes all of $folder, and the folder" '* ' \
            "$(table "$package" RemoveFile | awk -F'\t' -v f="$folder" '$4 == f && ($3 == "*" || $3 == "") {print $3}' | LC_ALL=C sort -r | paste -sd' ')"
    done
    is "$name: nothing touches the path" '' "$(msiinfo tables "$package" | grep -x Environment)"
done
is 'the zip has all that belongs together' \
    'visualcron-tray-7.2.0/LICENSE-APACHE.txt visualcron-tray-7.2.0/LICENSE-MIT.txt visualcron-tray-7.2.0/README.md visualcron-tray-7.2.0/visualcron-tray.com visualcron-tray-7.2.0/visualcron-tray.exe' \
    "$(python3 -m zipfile -l "$zip" | tail -n +2 | cut -d' ' -f1 | sort | paste -sd' ')"
is 'the start on logon is the program'"'"'s to write, after it is installed, and before it is started' \
    'AutostartOff AutostartNo AutostartYes AutostartKeep StartTray' \
    "$(table "$user1" InstallExecuteSequence | sort -t"	" -k3n | cut -f1 | grep -E '^Autostart|^StartTray$' | paste -sd' ')"
is 'and no row of the package for one user' '' "$(table "$user1" Registry | grep -F 'CurrentVersion\Run')"
# 256: 64-bit; 4: its key path is in the registry. With 128 (NeverOverwrite) a real Windows would lose it in an upgrade.
is 'the start on logon for all users is installed anew in an upgrade' 260 \
    "$(table "$machine1" Component | awk -F'\t' '$1 == "Autostart" {print $4}')"
is 'the folder for all users is protected' \
    $'ProtectFolder\tINSTALLDIR\tCreateFolder\tD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)\t' \
    "$(table "$machine1" MsiLockPermissionsEx)"
is 'and is made before its files' 'RemoveFolders CreateFolders InstallFiles' \
    "$(table "$machine1" InstallExecuteSequence | sort -t"	" -k3n | cut -f1 | grep -E 'Folders$|^InstallFiles$' | paste -sd' ')"
has 'winget: the hash is the package'"'"'s' "$(sha256sum "$user2" | cut -d' ' -f1 | tr a-f A-F)" \
    "$(cat "$work/out/winget/visualcron-tray.visualcron-tray.installer.yaml")"
cp -r "$work/out/winget" "$work/broken"
sed -i 's/^License:.*//; s/^ShortDescription: .*/ShortDescription: x/' "$work/broken"/*.locale.*
sed -i "s/^UpgradeBehavior:.*/UpgradeBehavior: deny/; s/InstallLocation: .*/InstallLocation: $(printf '%0513d' 0)/" "$work/broken"/*.installer.*
is 'winget: the checker finds what is wrong' 5 \
    "$(python3 scripts/windows/winget_check.py "$work/broken"/*.yaml 2>&1 | grep -c 'License is missing\|\(ShortDescription\|UpgradeBehavior\|InstallLocation\) is not')"

# --- for one user ---------------------------------------------------------------------------------------------
fresh 'one user: install, upgrade while it runs, downgrade, repair, remove'
installed=$home/AppData/Local/Programs/visualcron-tray
shortcut="$home/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/visualcron-tray.lnk"
settings=$home/AppData/Roaming/visualcron-tray/config/settings.toml
ours='HKCU\Software\visualcron-tray'
run='HKCU\Software\Microsoft\Windows\CurrentVersion\Run'
entry='HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall'
is 'install, silent' 0 "$(msiexec /i "$(windows_path "$user1")")"
is 'the files' 'LICENSE-APACHE.txt LICENSE-MIT.txt README.md visualcron-tray.com visualcron-tray.exe' \
    "$(ls "$installed" 2>/dev/null | LC_ALL=C sort | paste -sd' ')"
there 'the shortcut' "$shortcut"
has 'the shortcut leads to the tray' 'visualcron-tray.exe' "$(tr -d '\0' <"$shortcut" 2>/dev/null | strings)"
is 'no start on logon unasked' '' "$(value "$run" visualcron-tray)"
has 'where it is' 'visualcron-tray\visualcron-tray.exe' "$(value "$ours" Tray)"
product1=$(property "$user1" ProductCode) product2=$(property "$user2" ProductCode)
is 'Programs and Features: name' visualcron-tray "$(value "$entry\\$product1" DisplayName)"
is 'Programs and Features: version' 7.1.0 "$(value "$entry\\$product1" DisplayVersion)"
is 'Programs and Features: contact' 'The authors of visualcron-tray' "$(value "$entry\\$product1" Contact)"
is 'Programs and Features: address' "$PROJECT_URL" "$(value "$entry\\$product1" URLInfoAbout)"
is 'Programs and Features: no modify' 0x1 "$(value "$entry\\$product1" NoModify)"
has 'Programs and Features: folder' 'Programs\visualcron-tray' "$(value "$entry\\$product1" InstallLocation)"
console='C:\users\'$(id -un)'\AppData\Local\Programs\visualcron-tray\visualcron-tray.com'
has 'it runs from there' 'visualcron-tray ' "$(wine_run "$console" --version)"
wine_run "$console" settings set notices.expiring_days 21 >/dev/null
there 'the user has settings' "$settings"
settings_sum=$(sha256sum <"$settings")
wine_run "$console" --config 'C:\my settings\s.toml' autostart on >/dev/null
logon="\"${console%.com}.exe\" --config \"C:\\my settings\\s.toml\""
is 'the user switches the start on logon on, with options' "$logon" "$(value "$run" visualcron-tray)"
address='HKCU\Software\Classes\visualcron-tray'
opens=$(default_value "$address\shell\open\command")
is 'addresses start the tray' "\"${console%.com}.exe\" link -- \"%1\"" "$opens"
is 'and are addresses' 1 "$(wine_run reg query "$address" /v 'URL Protocol' | grep -c 'URL Protocol')"
start_tray "$installed/visualcron-tray.exe" || fail 'the tray starts'
old=$(trays | paste -sd' ')
[ -n "$old" ] && pass "the tray runs" || fail "the tray runs"
is 'upgrade while the tray runs' 0 "$(msiexec /i "$(windows_path "$user2")")"
wait_tray yes
new=$(trays | paste -sd' ')
if [ -n "$new" ] && [ "$new" != "$old" ]; then pass 'the tray was closed and runs again'; else fail 'the tray was closed and runs again' "before: $old, after: $new"; fi
log=$home/AppData/Local/visualcron-tray/data/log/visualcron-tray.log
[ ! -f "$log" ] || echo "        $(grep -c . "$log") lines in its log"
is 'the new version is noted' 7.2.0 "$(value "$ours" Version)"
is 'the old entry is gone' '' "$(value "$entry\\$product1" DisplayName)"
is 'the new entry is there' 7.2.0 "$(value "$entry\\$product2" DisplayVersion)"
is 'settings as they were' "$settings_sum" "$(sha256sum <"$settings")"
logon_after "$logon"
is 'no file is missing after the upgrade' 5 "$(ls "$installed" | wc -l)"
is 'a downgrade is refused' 1603 "$(msiexec /i "$(windows_path "$user1")")"
has 'and says why' $'NOT WIX_DOWNGRADE_DETECTED\tA newer version of visualcron-tray is installed' "$(table "$user1" LaunchCondition)"
is 'the newer one stays' 7.2.0 "$(value "$ours" Version)"
wait_tray yes && pass 'and its tray runs on' || fail 'and its tray runs on'
rm "$installed/README.md"
wine_run "$console" exit >/dev/null
wait_tray no || fail 'exit ends the tray'
rm "$installed/visualcron-tray.exe"
is 'repair' 0 "$(repair "$user2")"
there 'repair brings a document back' "$installed/README.md"
there 'repair brings the program back' "$installed/visualcron-tray.exe"
wait_tray yes && pass 'after a repair the tray runs' || fail 'after a repair the tray runs'
sleep 1
there 'with the options of the start on logon' "$WINEPREFIX/drive_c/my settings/s.toml"
is 'remove while the tray runs' 0 "$(msiexec /x "$product2")"
wait_tray no && pass 'the tray is closed' || fail 'the tray is closed' "$(trays)"
snapshot "$work/after"
# What is the user's: settings and state, in two folders.
is 'files: nothing is left but what is the user'"'"'s' '' \
    "$(left_files "$work/before" "$work/after" | grep -Ev '/AppData/(Local|Roaming)/visualcron-tray(/|$)|^\./my settings(/|$)')"
is 'registry: nothing is left' '' "$(left_registry "$work/before" "$work/after")"
is 'files: nothing else is missing' '' "$(missing "$work/before.files" "$work/after.files")"
is 'settings as they were, also now' "$settings_sum" "$(sha256sum <"$settings")"
there 'and our state' "$home/AppData/Local/visualcron-tray/data/log/visualcron-tray.log"
is 'removed a second time: it is not there' 1605 "$(msiexec /x "$product2")"

# --- a fleet's user -------------------------------------------------------------------------------------------
fresh 'one user, with properties: folder, start on logon, start now; settings removed on request'
is 'install' 0 "$(msiexec /i "$(windows_path "$user1")" 'INSTALLDIR=C:\Tools\Tray AUTOSTART=1 LAUNCH=1')"
there 'in the folder that was asked for' "$WINEPREFIX/drive_c/Tools/Tray/visualcron-tray.exe"
is 'start on logon' '"C:\Tools\Tray\visualcron-tray.exe"' "$(value "$run" visualcron-tray)"
wait_tray yes && pass 'the tray starts now' || fail 'the tray starts now'
sleep 1
is 'upgrade without properties, as by double click' 0 "$(level='' msiexec /i "$(windows_path "$user2")")"
there 'it stays in its folder' "$WINEPREFIX/drive_c/Tools/Tray/visualcron-tray.exe"
gone 'and there is no second one' "$installed"
logon_after '"C:\Tools\Tray\visualcron-tray.exe"'
wait_tray yes
approved='HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run'
wine_run reg add "$approved" /v visualcron-tray /t REG_BINARY /d 03000000408a1b613f3bdb01 /f >/dev/null
is 'repair with AUTOSTART=1' 0 "$(repair "$user2" AUTOSTART=1)"
has 'what Task Manager has switched off stays off' 03000000 "$(value "$approved" visualcron-tray)"
wine_run 'C:\Tools\Tray\visualcron-tray.com' autostart off >/dev/null
is 'the user switches it off' '' "$(value "$run" visualcron-tray)"
is 'repair' 0 "$(repair "$user2")"
is 'a repair does not switch it on again' '' "$(value "$run" visualcron-tray)"
for version in 7.3.0 7.4.0; do
    OUT=$work/out VERSION=$version "$root/scripts/windows/msi.sh" >/dev/null 2>&1
done
user3=$work/out/visualcron-tray-7.3.0-x64.msi product3=$(property "$work/out/visualcron-tray-7.3.0-x64.msi" ProductCode)
user4=$work/out/visualcron-tray-7.4.0-x64.msi product4=$(property "$user4" ProductCode)
is 'upgrade, without a start' 0 "$(msiexec /i "$(windows_path "$user3")" LAUNCH=0)"
is 'an upgrade does not switch it on again' '' "$(value "$run" visualcron-tray)"
wait_tray no && pass 'no tray is started where that is not wanted' || fail 'no tray is started where that is not wanted'
wine_run 'C:\Tools\Tray\visualcron-tray.com' --config 'C:\my settings\s.toml' autostart on >/dev/null
logon="--config \"C:\\my settings\\s.toml\""
# In two steps, as Windows does it in one: see the quirks.
is 'the old version goes, and hears that this is an upgrade' 0 "$(msiexec /x "$product3" UPGRADINGPRODUCTCODE="$product4")"
gone 'it is gone' "$WINEPREFIX/drive_c/Tools/Tray"
is 'start on logon stays, with its options' "\"C:\\Tools\\Tray\\visualcron-tray.exe\" $logon" "$(value "$run" visualcron-tray)"
is 'the new one comes, to another folder' 0 "$(msiexec /i "$(windows_path "$user4")" 'INSTALLDIR=C:\Tools\Other')"
there 'it is there' "$WINEPREFIX/drive_c/Tools/Other/visualcron-tray.exe"
is 'start on logon goes there, with its options' "\"C:\\Tools\\Other\\visualcron-tray.exe\" $logon" \
    "$(value "$run" visualcron-tray)"
other='C:\Tools\Other\visualcron-tray.com'
wait_tray no || fail 'no tray runs before'
wine_run "$other" --data-dir 'C:\my data' autostart on >/dev/null
is 'repair, with a start on logon that has a folder' 0 "$(repair "$user4")"
wait_tray yes
sleep 1
has 'the tray that is started has it' '--data-dir C:\my data' \
    "$(for pid in $(trays); do tr '\0' ' ' <"/proc/$pid/cmdline"; done)"
old=$(trays | paste -sd' ')
wine_run "$other" exit >/dev/null
is 'exit does not reach it' "$old" "$(trays | paste -sd' ')"
is 'repair while it runs' 0 "$(repair "$user4" LAUNCH=0)"
wait_tray no && pass 'it is closed' || fail 'it is closed' "$(trays)"
is 'repair with AUTOSTART=0' 0 "$(repair "$user4" AUTOSTART=0 LAUNCH=0)"
is 'switches it off' '' "$(value "$run" visualcron-tray)"
is 'repair with AUTOSTART=1' 0 "$(repair "$user4" AUTOSTART=1 LAUNCH=0)"
is 'switches it on' '"C:\Tools\Other\visualcron-tray.exe"' "$(value "$run" visualcron-tray)"
there 'there are settings and state' "$home/AppData/Local/visualcron-tray/data"
mkdir -p "$home/AppData/Local/visualcron-tray/data/recovery"
echo '{}' >"$home/AppData/Local/visualcron-tray/data/recovery/20261124T120000000Z.jsonl"
: >"$home/AppData/Local/visualcron-tray/data/recovery/lock"
wine_run "$other" settings set license_host.proxy http://proxy.example:8080 >/dev/null
wine_run "$other" settings set license_host.proxy_user svc >/dev/null
echo secret | timeout 120 "$root/scripts/windows/wine.sh" "$other" settings proxy-password set >/dev/null 2>&1
cp "$settings" "$work/proxy.toml"
# After the removal too, so by a program of its own.
password() {
    wine_run "$(windows_path "$(realpath "$PROGRAMS")/visualcron-tray.com")" --config "$(windows_path "$work/proxy.toml")" \
        --data-dir "$(windows_path "$work/data")" --json settings proxy-password status | sed -n 's/.*"password": "\(.*\)".*/\1/p'
}
is 'there is a password for the proxy' present "$(password)"
mkdir -p "$home/AppData/Local/VisualCron/settings" && echo x >"$home/AppData/Local/VisualCron/settings/servers.xml"
# What has no row of its own in RemoveFile.
starred='/visualcron-tray(/config|/data(/icons(/[a-z-]+\.png)?|/log|/pages|/recovery(/[0-9TZ]+\.jsonl)?|/settings-[0-9a-f]+\.lock|/tray-[0-9]+\.lock|/settings\.last-good-[0-9a-f]+\.toml)?)?$'
is 'remove with the settings' 0 "$(msiexec /x "$product4" REMOVESETTINGS=1)"
snapshot "$work/after"
# The folder above the one that was asked for is the administrator's.
is 'files: nothing at all is left of ours' '' \
    "$(left_files "$work/before" "$work/after" | grep -Ev "/AppData/Local/VisualCron(/|\$)|^\./Tools\$|^\./my data(/|\$)|$starred")"
is 'nor the password for the proxy' absent "$(password)"
there 'VisualCron'"'"'s own are untouched' "$home/AppData/Local/VisualCron/settings/servers.xml"
is 'registry: nothing is left' '' "$(left_registry "$work/before" "$work/after")"

# --- for all users --------------------------------------------------------------------------------------------
fresh 'all users'
ours='HKLM\Software\visualcron-tray'
run='HKLM\Software\Microsoft\Windows\CurrentVersion\Run'
program_files="$WINEPREFIX/drive_c/Program Files/visualcron-tray"
is 'the package for one user refuses ALLUSERS=1' 1603 "$(msiexec /i "$(windows_path "$user1")" ALLUSERS=1)"
gone 'and leaves nothing' "$program_files"
is 'install, silent, with start on logon' 0 "$(msiexec /i "$(windows_path "$machine1")" AUTOSTART=1)"
is 'the files' 'LICENSE-APACHE.txt LICENSE-MIT.txt README.md visualcron-tray.com visualcron-tray.exe' \
    "$(ls "$program_files" 2>/dev/null | LC_ALL=C sort | paste -sd' ')"
is 'start on logon for all' '"C:\Program Files\visualcron-tray\visualcron-tray.exe"' "$(value "$run" visualcron-tray)"
has 'where it is' 'C:\Program Files\visualcron-tray\visualcron-tray.exe' "$(value "$ours" Tray)"
there 'the shortcut' "$shortcut"
has 'the shortcut leads to the tray' 'Program Files\visualcron-tray\visualcron-tray.exe' "$(tr -d '\0' <"$shortcut" 2>/dev/null | strings)"
product1=$(property "$machine1" ProductCode) product2=$(property "$machine2" ProductCode)
is 'Programs and Features: name' visualcron-tray "$(value "$entry\\$product1" DisplayName)"
is 'Programs and Features: version' 7.1.0 "$(value "$entry\\$product1" DisplayVersion)"
is 'Programs and Features: address' "$PROJECT_URL" "$(value "$entry\\$product1" URLInfoAbout)"
is 'Programs and Features: no modify' 0x1 "$(value "$entry\\$product1" NoModify)"
has 'Programs and Features: folder' 'C:\Program Files\visualcron-tray' "$(value "$entry\\$product1" InstallLocation)"
is 'nothing in the user'"'"'s registry' '' "$(value 'HKCU\Software\visualcron-tray' Tray)"
is 'addresses start the tray' '"C:\Program Files\visualcron-tray\visualcron-tray.exe" link -- "%1"' \
    "$(default_value 'HKLM\Software\Classes\visualcron-tray\shell\open\command')"
has 'it runs from there' 'visualcron-tray ' "$(wine_run 'C:\Program Files\visualcron-tray\visualcron-tray.com' --version)"
wait_tray no && pass 'no tray is started with the installer'"'"'s rights' || fail 'no tray is started with the installer'"'"'s rights'
is 'the package for one user is refused beside it' 1603 "$(msiexec /i "$(windows_path "$user2")")"
mkdir -p "$WINEPREFIX/drive_c/ProgramData/visualcron-tray"
echo '# of the administrator' >"$WINEPREFIX/drive_c/ProgramData/visualcron-tray/settings.toml"
start_tray "$program_files/visualcron-tray.exe" || fail 'the tray starts'
is 'the tray leaves the addresses of all users to the installer' '' \
    "$(default_value 'HKCU\Software\Classes\visualcron-tray\shell\open\command')"
is 'upgrade while the tray runs' 0 "$(msiexec /i "$(windows_path "$machine2")")"
wait_tray no && pass 'the tray is closed' || fail 'the tray is closed'
is 'the new version is noted' 7.2.0 "$(value "$ours" Version)"
is 'the old entry is gone' '' "$(value "$entry\\$product1" DisplayName)"
is 'the new entry is there' 7.2.0 "$(value "$entry\\$product2" DisplayVersion)"
is 'start on logon stays' '"C:\Program Files\visualcron-tray\visualcron-tray.exe"' "$(value "$run" visualcron-tray)"
is 'a downgrade is refused' 1603 "$(msiexec /i "$(windows_path "$machine1")")"
is 'the newer one stays' 7.2.0 "$(value "$ours" Version)"
rm "$program_files/visualcron-tray.com"
is 'repair' 0 "$(repair "$machine2")"
there 'repair brings the program back' "$program_files/visualcron-tray.com"
own='HKCU\Software\Microsoft\Windows\CurrentVersion\Run'
wine_run 'C:\Program Files\visualcron-tray\visualcron-tray.com' --config 'C:\my settings\s.toml' autostart on >/dev/null
has 'a user has a start on logon of their own' 's.toml' "$(value "$own" visualcron-tray)"
is 'remove' 0 "$(msiexec /x "$(windows_path "$machine2")")"
snapshot "$work/after"
is 'files: nothing is left but what is the user'"'"'s or the administrator'"'"'s' '' \
    "$(left_files "$work/before" "$work/after" | grep -Ev '/(AppData/Local|AppData/Roaming|ProgramData)/visualcron-tray(/|$)')"
there 'the administrator'"'"'s settings stay' "$WINEPREFIX/drive_c/ProgramData/visualcron-tray/settings.toml"
# The key above the names for notifications is not ours alone.
is 'registry: nothing is left, nor of the user who removes it' '' \
    "$(left_registry "$work/before" "$work/after" | grep -v 'Classes\\\\AppUserModelId\]$')"
is 'install into another folder' 0 "$(msiexec /i "$(windows_path "$machine1")" 'INSTALLDIR=C:\Tools\Tray')"
there 'it is there' "$WINEPREFIX/drive_c/Tools/Tray/visualcron-tray.exe"
gone 'and nowhere else' "$program_files"
is 'no start on logon unasked' '' "$(value "$run" visualcron-tray)"
is 'upgrade without properties' 0 "$(msiexec /i "$(windows_path "$machine2")")"
there 'it stays in its folder' "$WINEPREFIX/drive_c/Tools/Tray/visualcron-tray.exe"
gone 'and there is no second one' "$program_files"
is 'remove' 0 "$(msiexec /x "$product2")"
gone 'with its folder' "$WINEPREFIX/drive_c/Tools/Tray"

# --- signed ---------------------------------------------------------------------------------------------------
if command -v osslsigncode >/dev/null; then
    fresh 'signed with a test certificate'
    SIGN=1 OUT=$work/signed VERSION=7.1.0 "$root/scripts/windows/msi.sh" >"$work/log" 2>&1 ||
        fail 'programs and packages are signed' "$(cat "$work/log")"
    is 'programs and packages are signed and verified' 4 "$(grep -c 'signed and verified' "$work/log")"
    is 'a signed package installs' 0 "$(msiexec /i "$(windows_path "$work/signed/visualcron-tray-7.1.0-x64.msi")")"
    has 'a signed program runs' 'visualcron-tray ' "$(wine_run "$console" --version)"
    printf 'x' | dd of="$work/signed/visualcron-tray-7.1.0-x64.msi" bs=1 seek=100000 conv=notrunc 2>/dev/null
    osslsigncode verify -in "$work/signed/visualcron-tray-7.1.0-x64.msi" >"$work/log" 2>&1 &&
        fail 'a changed package does not verify' || pass 'a changed package does not verify'
else
    printf 'skipped signing: osslsigncode is not installed\n'
fi

printf '\nAll of it took %ss.\n%s passed, %s failed\n' "$((SECONDS - started))" "$passed" "$failed"
[ "$failed" -eq 0 ]
