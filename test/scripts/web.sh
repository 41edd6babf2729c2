#!/bin/sh
# The page that captions in the browser itself, in Chromium: `make check-web`; web.py says how.  Skipped without the tools.
set -u
. test/scripts/tap.sh
: "${BUILD:=build}"
for tool in chromium chromedriver python3; do
    have $tool || { skip 'the page without a service' "no $tool here"; finish; }
done
log=$(sh tools/web/site.sh 2>&1)
case $? in
0) echo "$log" | sed -n 's/^  WEB  /# /p' ;;
77)
    skip 'the page without a service' "$log"
    finish
    ;;
*)
    none 'the page builds' "$log"
    finish
    ;;
esac
unset http_proxy
for n in 09 01; do
    "$BUILD/capdemo" -q --json --beams 5 -m "$BUILD/web-page/model.capw" weights/scenes/demo/scene_2035_0000$n.jpg
done >"$dir/wanted.json"
browse 'the page without a service' web.py "$BUILD/web-page" "$dir" "$BUILD/screenshots" "$dir/wanted.json"
finish
