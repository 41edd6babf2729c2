#!/bin/sh
# The page of capdemo --html in a browser: what its script makes of the data.  Skipped without Chromium.
set -u
. test/scripts/tap.sh
have chromium || {
    skip 'the report in a browser' 'no chromium here'
    finish
}
"${BUILD:-build}/capdemo" -q --html "$dir/report.html" weights/scenes/demo/scene_2035_000000.jpg \
    weights/scenes/demo/scene_2035_000001.jpg README.md >"$dir/captions" 2>"$dir/errors"
# the script of the page, and then ours, which points at a word and filters
cat >"$dir/act.js" <<'JS'
const words = document.querySelectorAll('article')[1].querySelectorAll('.words button');
words[5].focus();
const canvas = document.querySelectorAll('article canvas')[1];
const ink = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v > 0);
words[5].blur();
const filter = document.getElementById('filter');
filter.value = 'BUS chair';
filter.dispatchEvent(new Event('input'));
const report = document.createElement('pre');
report.textContent = ['word ' + words[5].textContent, 'map ' + ink, 'shown ' + [...document.querySelectorAll('article')]
  .filter(a => !a.hidden).length, 'alternatives ' + document.querySelectorAll('article')[1].querySelectorAll('.others li').length,
  'alt ' + document.querySelectorAll('article img')[1].alt, 'wide ' + (document.documentElement.scrollWidth > innerWidth)].join('\n');
document.body.append(report);
JS
awk -v act="$dir/act.js" '/^<\/body>/ { print "<script>"; while ((getline line < act) > 0) print line; print "</script>" } { print }' \
    "$dir/report.html" >"$dir/acted.html"
look() {
    timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync \
        --disable-background-networking --disable-component-update --user-data-dir="$dir/profile" "$@" \
        "file://$dir/acted.html" >"$dir/dom" 2>"$dir/browser"
}
look --window-size=360,800 --dump-dom
try 'three images are counted' grep -q '(1 of 3)' "$dir/dom"
try 'the words are there' grep -q 'word bus' "$dir/dom"
try 'a focused word shows its map' grep -q '^map true' "$dir/dom"
try 'the filter leaves one image' grep -q '^shown 1' "$dir/dom"
try 'all captions are listed' grep -q '^alternatives 5' "$dir/dom"
try 'the caption is the alternative text' grep -q '^alt a picture of a blue bus' "$dir/dom"
try 'a file that is no image has its reason' grep -q 'class="bad"' "$dir/dom"
try 'nothing is wider than a phone' grep -q '^wide false' "$dir/dom"
finish
