#!/bin/sh
# Runs every fuzz target over good inputs and over those that are kept in test/fuzz/corpus, without a fuzzer.
set -eu
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
"$BUILD/test/fuzz/seeds" "$seeds"
n=0
for source in test/fuzz/fuzz_*.c; do
    k=$(basename "$source" .c)
    k=${k#fuzz_}
    n=$((n + 1))
    kept=test/fuzz/corpus/$k
    [ -d "$kept" ] || kept=
    if "$BUILD/test/fuzz/replay_$k" "$seeds/$k" ${kept:+"$kept"}; then
        echo "ok $n - $k"
    else
        echo "not ok $n - $k"
    fi
done
echo "1..$n"
