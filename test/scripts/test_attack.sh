#!/bin/sh
# A few hostile files of every kind, and faults of the system, under each tool; `make attack` has thousands.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
chmod 755 "$dir" # one test runs as another user
"$BUILD/test/attack/corpus" "$dir/corpus" 1 200 || exit 1
try 'the tools stand hostile files' "$BUILD/test/attack/drive" -j 2 "$BUILD" "$dir/corpus"
tail -n 1 "$dir/try.log" | sed 's/^/# /'
"$BUILD/test/attack/faults" -t 1 "$BUILD" "$dir/corpus" || status=1
finish
