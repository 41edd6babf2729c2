#!/bin/sh
# `make attack`: COUNT hostile files of SEED, all tools over them, then the faults.  The plain build shows memory,
# the one with sanitizers everything else.
set -u
BUILD=${BUILD:-build} SEED=${SEED:-1} COUNT=${COUNT:-5000}
corpus=$(mktemp -d) || exit 1
trap 'rm -rf "$corpus"' EXIT
trap 'exit 130' INT TERM
status=0
"$BUILD/test/attack/corpus" "$corpus" "$SEED" "$COUNT" || exit 1
for tools in "$BUILD" "$BUILD-asan"; do
    with=
    [ "$tools" = "$BUILD" ] || with=-a
    echo "$tools, seed $SEED:"
    "$BUILD/test/attack/drive" $with -j "$(getconf _NPROCESSORS_ONLN)" "$tools" "$corpus" || status=1
    "$BUILD/test/attack/faults" $with -t 2 "$tools" "$corpus" || status=1
done
exit $status
