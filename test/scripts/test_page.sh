#!/bin/sh
# The page of capserve in a real browser; page.py says how.  Pictures of what it looks like stay in $BUILD/screenshots.
# Skipped without Chromium and chromedriver.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
picture=weights/scenes/demo/scene_2035_000009.jpg bus=weights/scenes/demo/scene_2035_000001.jpg
[ -x "$BUILD/capserve" ] || { skip 'the page in a browser' 'this build has HTTP=0'; finish; }
for tool in chromium chromedriver python3; do
    have $tool || { skip 'the page in a browser' "no $tool here"; finish; }
done
if ! grep -q 'WAS_BUNDLED := ..*' "$BUILD/config.mk"; then skip 'the page in a browser' 'no bundled model'; finish; fi
unset CAPTION_MODEL http_proxy
pids=''
trap '[ -z "$pids" ] || kill $pids 2>/dev/null; rm -rf "$dir"' EXIT

# OPTIONS...: starts the service on a free port and sets $url
start() {
    : >"$dir/log"
    "$BUILD/capserve" --listen 127.0.0.1:0 "$@" 2>>"$dir/log" &
    pids="$pids $!" tries=0
    while ! grep -q 'on http://' "$dir/log" && [ $tries -lt 200 ]; do sleep 0.1; tries=$((tries + 1)); done
    url=$(sed -n 's|.* on \(http://.*/\)$|\1|p' "$dir/log")
}
{
    "$BUILD/capdemo" -q --json --beams 5 $picture
    "$BUILD/capdemo" -q --json --beams 5 $bus
    "$BUILD/capdemo" -q --json --beams 3 $bus
} >"$dir/wanted.json"
printf 'secret\n' >"$dir/token"
start --token-file "$dir/token"
locked=$url
start --max-bytes 200K
browse 'the page' page.py "$url" "$dir" "$BUILD/screenshots" "$dir/wanted.json" "$locked" secret
finish
