#!/bin/sh
# Builds the fuzz targets for OSS-Fuzz and ClusterFuzzLite, which set CC, CFLAGS, LIB_FUZZING_ENGINE and OUT.
# For each target, OUT gets the program fuzz_NAME and fuzz_NAME_seed_corpus.zip.  Run by hand, it takes what
# `make fuzz` takes:  OUT=FOLDER sh test/fuzz/build.sh
set -eu
: "${OUT:?names no folder}"
cd "$(dirname "$0")/../.."
make -j"$(nproc)" fuzz-build FUZZ_CC="${CC:-clang}" ${CFLAGS:+FUZZ_CFLAGS="$CFLAGS"} \
    ${LIB_FUZZING_ENGINE:+FUZZ_ENGINE="$LIB_FUZZING_ENGINE"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build-fuzz/test/fuzz/seeds "$work"
for source in test/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    name=${target#fuzz_}
    cp "build-fuzz/test/fuzz/$target" "$OUT/"
    [ ! -d "test/fuzz/corpus/$name" ] || cp "test/fuzz/corpus/$name"/* "$work/$name/"
    python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" "$work/$name"/*
done
