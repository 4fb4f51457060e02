#!/usr/bin/env bash
# Makes the pictures of the README anew, in docs/screenshots: the scenarios run on their desktop (see run.sh for
# what that takes), and their pictures become small ones with a palette.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
made=$(mktemp -d "${TMPDIR:-/tmp}/readme-pictures.XXXXXX")
trap 'rm -rf "$made"' EXIT

# Where one may, a home whose paths look as they do for users.
if [ -w /home ] && [ ! -e /home/me ]; then export DESK_HOME=/home/me; fi
OUT="$made" "$here/run.sh" demo notice states clear_server_cache connection_window validation_window
mkdir -p "$root/docs/screenshots"
# FROM TO
while read -r from to; do
    # Letters keep their edges without dithering, and the icons their colours with 255 of them.
    convert "$made/$from.png" +dither -colors 255 -strip -define png:compression-level=9 \
        "PNG8:$root/docs/screenshots/$to.png"
    identify -format "docs/screenshots/$to.png  %wx%h  %b\n" "$root/docs/screenshots/$to.png"
done <<'PICTURES'
demo-menu menu
notice notice
connection-window-refused connection
validation-window-accepted validation
states icons
clear-cache-plan clear-server-cache
clear-cache-result clear-server-cache-done
PICTURES
