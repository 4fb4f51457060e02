#!/bin/sh
# Makes what is handed out for Windows from the programs that scripts/windows/build.sh made:
#
#   dist/visualcron-tray-VERSION-x64.msi            for one user
#   dist/visualcron-tray-VERSION-x64-machine.msi    for all users
#   dist/visualcron-tray-VERSION-x64.zip            to be used without installing
#   dist/winget/*.yaml                              the manifests for winget
#
# The same sources, programs and time give the same bytes, but for signatures. From outside:
#
#   VERSION             instead of Cargo.toml's, for tests of upgrades
#   PROGRAMS            the folder with both programs (dist)
#   OUT                 the folder for the results (dist)
#   SOURCE_DATE_EPOCH   the time in the packages (of the last commit)
#   PROJECT_URL         the address in Programs and Features (`repository` of Cargo.toml; else none)
#   RELEASE_URL         where the packages can be had, for winget
#   SIGN=1              sign programs and packages, see scripts/windows/sign.sh
set -eu
. "$(dirname -- "$0")/env.sh"

cd "$root"
field() { sed -n "1,/^\[dependencies\]/s/^$1 = \"\(.*\)\"/\1/p" Cargo.toml | head -n 1; }
: "${VERSION:=$(field version)}"
: "${PROGRAMS:=dist}"
: "${OUT:=dist}"
: "${PROJECT_URL:=$(field repository)}"
: "${RELEASE_URL:=https://visualcron-tray.example/$VERSION}"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}"
export SOURCE_DATE_EPOCH

for program in "$PROGRAMS/visualcron-tray.exe" "$PROGRAMS/visualcron-tray.com"; do
    [ -f "$program" ] || { echo "$program is missing: run scripts/windows/build.sh first." >&2; exit 1; }
done

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/dist" "$stage/assets/ico" "$OUT"
cp "$PROGRAMS/visualcron-tray.exe" "$PROGRAMS/visualcron-tray.com" "$stage/dist/"
cp assets/ico/app.ico "$stage/assets/ico/"
cp README.md LICENSE-MIT LICENSE-APACHE "$stage/"
cp -r wix "$stage/"
# wixl does not know it, and warns each time; wix/wixl.sql has it.
sed -i 's/ Secure="yes"//' "$stage/wix/main.wxs"
if [ -n "${SIGN:-}" ]; then
    "$here/sign.sh" "$stage/dist/visualcron-tray.exe" "$stage/dist/visualcron-tray.com"
fi
# The cabinet keeps the files' times and modes.
chmod -R u=rwX,go=rX "$stage"
find "$stage" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

uuid() { python3 -c 'import sys, uuid; print(str(uuid.uuid5(uuid.UUID(sys.argv[1]), sys.argv[2])).upper())' "$1" "$2"; }
# All that goes into a package: another package must have another code.
contents=$(cd "$stage" && { find . -type f | LC_ALL=C sort | xargs sha256sum; echo "$PROJECT_URL $SOURCE_DATE_EPOCH"; } |
    cat - "$here/msi_finish.py" | sha256sum)

make_package() {
    scope=$1 package=$2
    upgrade=$(sed -n "/Scope) = \"machine\"/,/?endif/p" wix/main.wxs | sed -n 's/.*UpgradeCode = "\(.*\)".*/\1/p' |
        if [ "$scope" = machine ]; then sed -n 1p; else sed -n 2p; fi)
    product=$(uuid "$upgrade" "$VERSION")
    code=$(uuid "$upgrade" "$VERSION $contents")
    set -- -D Tool=wixl -D "Scope=$scope" -D "Version=$VERSION" -D "ProductCode=$product" -D "PackageCode=$code"
    [ -z "$PROJECT_URL" ] || set -- "$@" -D "ProjectUrl=$PROJECT_URL"
    # Files are looked for from the current folder.
    (cd "$stage" && wixl -a x64 -I wix "$@" -D Dist=dist -o raw.msi wix/main.wxs)
    python3 "$here/msi_finish.py" "$stage/raw.msi" "$package" --scope "$scope" --package-code "$code" \
        --program "$stage/dist/visualcron-tray.exe" --time "$SOURCE_DATE_EPOCH" --sql wix/wixl.sql
    [ -z "${SIGN:-}" ] || "$here/sign.sh" "$package"
}

base=$OUT/visualcron-tray-$VERSION-x64
make_package user "$base.msi"
product_user=$product
make_package machine "$base-machine.msi"
product_machine=$product

python3 - "$base.zip" "visualcron-tray-$VERSION" "$stage" <<'PYTHON'
import os, sys, time, zipfile

out, top, stage = sys.argv[1:]
when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
files = [("dist/visualcron-tray.exe",) * 2, ("dist/visualcron-tray.com",) * 2, ("README.md",) * 2,
         ("LICENSE-MIT", "LICENSE-MIT.txt"), ("LICENSE-APACHE", "LICENSE-APACHE.txt")]
with zipfile.ZipFile(out, "w") as archive:
    for source, name in files:
        entry = zipfile.ZipInfo(f"{top}/{os.path.basename(name)}", when)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        with open(os.path.join(stage, source), "rb") as file:
            archive.writestr(entry, file.read(), compresslevel=9)
PYTHON

hash_of() { sha256sum "$1" | cut -d' ' -f1 | tr a-f A-F; }
mkdir -p "$OUT/winget"
for template in packaging/winget/*.yaml; do
    sed -e "s|{Version}|$VERSION|g" \
        -e "s|{Date}|$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)|g" \
        -e "s|{ReleaseUrl}|$RELEASE_URL|g" \
        -e "s|{ProjectUrl}|${PROJECT_URL:-$RELEASE_URL}|g" \
        -e "s|{UserFile}|$(basename "$base.msi")|g" -e "s|{UserHash}|$(hash_of "$base.msi")|g" \
        -e "s|{UserProduct}|$product_user|g" \
        -e "s|{MachineFile}|$(basename "$base-machine.msi")|g" -e "s|{MachineHash}|$(hash_of "$base-machine.msi")|g" \
        -e "s|{MachineProduct}|$product_machine|g" \
        "$template" >"$OUT/winget/$(basename "$template")"
done
python3 "$here/winget_check.py" "$OUT"/winget/*.yaml

for file in "$base.msi" "$base-machine.msi" "$base.zip"; do
    printf '%s: %s bytes\n' "$file" "$(stat -c %s "$file")"
done
