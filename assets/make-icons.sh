#!/usr/bin/env bash
# Makes png/, ico/ and contact-sheet.png from svg/. The results are committed, so only
# whoever changes a drawing needs the tools. Same sources and same tools give the same bytes.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")"

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need rsvg-convert librsvg2-bin
need convert imagemagick
need icotool icoutils
if ((${#missing[@]})); then
  echo "make-icons.sh: missing Debian packages: apt-get install ${missing[*]}" >&2
  exit 1
fi

states=(fine notice expired disconnected unknown busy)
icons=("${states[@]}" app)
sizes=(16 20 22 24 32 48 256)
ico_sizes=(16 20 24 32 48 256)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# 8 bit RGBA, without any metadata.
pack() { convert "$1" -strip -depth 8 -define png:exclude-chunk=all -define png:compression-level=9 \
    -define png:compression-filter=1 -define png:compression-strategy=0 "PNG32:$2"; }

rm -rf png ico
mkdir png ico

for icon in "${icons[@]}"; do
  for size in "${sizes[@]}"; do
    out="png/$icon-$size.png"
    case $size in
      # The 24 px drawings keep a margin of one pixel: without it they are the 22 px icons.
      22)
        rsvg-convert -w 24 -h 24 "svg/$icon-24.svg" -o "$tmp/i.png"
        convert "$tmp/i.png" -crop 22x22+1+1 +repage "$tmp/i22.png"
        pack "$tmp/i22.png" "$out"
        continue
        ;;
      16 | 20 | 24) svg="svg/$icon-$size.svg" ;;
      *) svg="svg/$icon.svg" ;;
    esac
    rsvg-convert -w "$size" -h "$size" "$svg" -o "$tmp/i.png"
    pack "$tmp/i.png" "$out"
  done

  args=()
  for size in "${ico_sizes[@]}"; do
    if ((size >= 48)); then
      args+=("--raw=png/$icon-$size.png") # a PNG inside; the smaller ones as bitmaps
    else
      args+=("png/$icon-$size.png")
    fi
  done
  icotool -c -o "ico/$icon.ico" "${args[@]}"
done

# Contact sheet: one column an icon, one band a background, then the bands again in grey.
cell=272
width=$((cell * ${#icons[@]}))

band() { # BACKGROUND FILE [with-256]
  local bg=$1 out=$2 height=226 col=0 x icon size
  local args=()
  if [[ ${3:-} == with-256 ]]; then height=494; fi
  for icon in "${icons[@]}"; do
    x=$((col * cell + 12))
    for size in 16 20 22 24 32 48; do
      args+=("png/$icon-$size.png" -geometry "+$x+12" -composite)
      x=$((x + size + 12))
    done
    x=$((col * cell + 8))
    args+=('(' "png/$icon-16.png" -filter point -resize 600% ')' -geometry "+$x+72" -composite)
    args+=('(' "png/$icon-24.png" -filter point -resize 600% ')' -geometry "+$((x + 108))+72" -composite)
    if [[ ${3:-} == with-256 ]]; then
      args+=("png/$icon-256.png" -geometry "+$x+228" -composite)
    fi
    col=$((col + 1))
  done
  convert -size "${width}x$height" "xc:$bg" "${args[@]}" "$out"
}

n=0
for bg in '#f2f2f2' '#808080' '#202020'; do
  if [[ $bg == '#808080' ]]; then band "$bg" "$tmp/c$n.png"; else band "$bg" "$tmp/c$n.png" with-256; fi
  band "$bg" "$tmp/g.png"
  convert "$tmp/g.png" -grayscale Rec709Luma "$tmp/g$n.png"
  n=$((n + 1))
done
convert "$tmp"/c[0-2].png "$tmp"/g[0-2].png -colorspace sRGB -type TrueColor -append +dither -colors 256 \
  -strip -define png:exclude-chunk=all -define png:compression-level=9 PNG8:contact-sheet.png
