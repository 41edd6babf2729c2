#!/bin/sh
# Runs every fuzzer for SECONDS_EACH seconds, starting from one good input each and what earlier runs found.
# BUILD is the folder that they were built in.
set -eu
: "${SECONDS_EACH:=60}"
for k in model image picture checkpoint captions; do mkdir -p "$BUILD/corpus/$k"; done
"$BUILD/test/programs/make_demo" "$BUILD/corpus/model/seed" "$BUILD/corpus/image/seed"
"$BUILD/test/programs/make_demo" "$BUILD/corpus/model/seed-int8" "$BUILD/corpus/image/seed" 1 int8
find test/pictures -type f ! -name '*.rgb' -exec cp {} "$BUILD/corpus/picture" \;
printf 'image,caption\na.jpg,a dog\n"b,c.jpg","a ""big"" dog"\n' >"$BUILD/corpus/captions/flickr8k"
printf 'image| n| caption\na.jpg| 0| a dog\n' >"$BUILD/corpus/captions/flickr30k"
for f in test/vectors/*.pth; do
    if [ -f "$f" ] && [ "$(wc -c <"$f")" -lt 1000000 ]; then cp "$f" "$BUILD/corpus/checkpoint"; fi
done
for k in model image picture checkpoint captions; do
    echo "== fuzz_$k"
    "$BUILD/test/fuzz/fuzz_$k" -max_total_time="$SECONDS_EACH" -rss_limit_mb=2048 -timeout=20 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$BUILD/corpus/" "$BUILD/corpus/$k"
done
