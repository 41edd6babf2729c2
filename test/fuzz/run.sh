#!/bin/sh
# Runs fuzzers for SECONDS_EACH seconds each:  BUILD=FOLDER sh test/fuzz/run.sh TARGET...
# SEED sets the random numbers: 0, the default, means others in each run.
# BUILD is the folder that they were built in.  They start from good inputs (seeds), the inputs that are kept in
# test/fuzz/corpus, and what earlier runs found, which is in BUILD/corpus.  What ends a fuzzer is written there
# too, as crash-*, timeout-* and the like; BUILD/test/fuzz/fuzz_TARGET FILE repeats it.
set -eu
: "${SECONDS_EACH:=60}" "${SEED:=0}"
"$BUILD/test/fuzz/seeds" "$BUILD/corpus"
for k; do
    echo "== fuzz_$k"
    mkdir -p "$BUILD/corpus/$k"
    kept=test/fuzz/corpus/$k
    [ -d "$kept" ] || kept=
    "$BUILD/test/fuzz/fuzz_$k" -max_total_time="$SECONDS_EACH" -seed="$SEED" -rss_limit_mb=2048 -timeout=20 -verbosity=0 \
        -max_len=262144 -print_final_stats=1 -artifact_prefix="$BUILD/corpus/" "$BUILD/corpus/$k" ${kept:+"$kept"}
done
