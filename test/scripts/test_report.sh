#!/bin/sh
# The page of capdemo --html in a real browser; report.py says how.  Skipped without Chromium and chromedriver.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
for tool in chromium chromedriver python3; do
    have $tool || { skip 'the report in a browser' "no $tool here"; finish; }
done
"$BUILD/capdemo" -q --html "$dir/report.html" weights/scenes/demo/scene_2035_000000.jpg \
    weights/scenes/demo/scene_2035_000001.jpg README.md >"$dir/captions" 2>"$dir/errors"
browse 'the report' report.py "$dir/report.html" "$dir" "$BUILD/screenshots"
finish
