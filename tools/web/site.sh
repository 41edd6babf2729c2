#!/bin/sh
# Builds the page that captions in the visitor's own browser, into BUILD/web-page: a folder that any static host can serve.
# `make web` calls it.  MODEL: another model than the bundled one in int8.  The page is the service's (tools/page), with
# backend.js of this folder.
set -eu
: "${BUILD:=build}" "${MODEL:=}"
code=0
sh tools/web/build.sh || code=$?
[ "$code" = 0 ] || exit "$code"
out=$BUILD/web-page scenes=weights/scenes/demo
rm -rf "$out"
mkdir -p "$out/pictures"
if [ -n "$MODEL" ]; then
    cp "$MODEL" "$out/model.capw"
else
    "$BUILD/capconvert" -q --int8 --calibrate "$scenes" weights/scenes.capw -o "$out/model.capw"
fi
cp tools/page/look.css tools/page/look.js tools/page/page.css tools/page/page.js tools/web/backend.js "$BUILD/web/caption.js" \
    "$BUILD"/web/*.wasm "$out"
# the same examples as the service's
sed -n 's/.*embed serve_\([a-z]*\), \(weights.*\.jpg\)$/\1 \2/p' tools/serve/files_data.S | while read -r name file; do
    cp "$file" "$out/pictures/$name.jpg"
done
policy="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
connect-src 'self'; worker-src 'self'; media-src blob:; form-action 'none'; base-uri 'none'"
sed -e "s|^<meta name=\"viewport\"|<meta http-equiv=\"Content-Security-Policy\" content=\"$policy\">\n&|" \
    -e '/<a href="docs">/d' -e 's| action="/caption" method="post" enctype="multipart/form-data"||' \
    -e 's|<noscript>.*</noscript>|<noscript><p>The page needs JavaScript: it captions the picture itself.</p></noscript>|' \
    -e 's|^<p id="hint">|<p class="quiet">The picture stays on this device. The page works without a network once it was loaded.</p>\n&|' \
    tools/page/page.html >"$out/index.html"
files="./ $(cd "$out" && find . -type f ! -name model.capw ! -name index.html | sed 's|^\./||' | LC_ALL=C sort | tr '\n' ' ')worker.js"
size=$(wc -c <"$out/model.capw" | tr -d ' ')
version=$({ cat tools/web/worker.js tools/web/offline.js && find "$out" -type f | LC_ALL=C sort | xargs cat; } | cksum | tr -d ' ')
sed -e "s|@version@|$version|; s|@size@|$size|" tools/web/worker.js >"$out/worker.js"
sed -e "s|@version@|$version|; s|@files@|$files|" tools/web/offline.js >"$out/offline.js"
echo "  WEB  $out: $(find "$out" -type f | wc -l | tr -d ' ') files, of which the model has $size bytes"
