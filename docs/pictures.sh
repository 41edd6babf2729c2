#!/bin/sh
# Makes the README's pictures from the bundled model: `make pictures`.  BUILD is the folder with capdemo.
# docs/words.png is what capdemo --pictures writes; docs/report.png shows the page of capdemo --html, where Chromium is.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
scenes=weights/scenes/demo/scene_2035_0000
"$BUILD/capdemo" -q --pictures "$dir/words" "${scenes}09.jpg" >"$dir/captions"
cp "$dir"/words/*.png docs/words.png
echo 'docs/words.png'
command -v chromium >/dev/null 2>&1 || {
    echo 'docs/report.png: skipped, no chromium here'
    exit 0
}
"$BUILD/capdemo" -q --html "$dir/page.html" "${scenes}09.jpg" "${scenes}05.jpg" >"$dir/captions"
# point at a word, as a reader would
cat >"$dir/act.html" <<'HTML'
<script>document.querySelectorAll('.words button')[5].click();</script>
HTML
cat "$dir/page.html" "$dir/act.html" >"$dir/acted.html"
chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars \
    --user-data-dir="$dir/profile" --window-size=760,720 --virtual-time-budget=3000 --screenshot="$PWD/docs/report.png" \
    "file://$dir/acted.html" >"$dir/browser" 2>&1
echo 'docs/report.png'
