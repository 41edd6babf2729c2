#!/bin/sh
# No function of the library uses more than 8 KiB of stack, none a frame without a bound.  The build leaves the
# figures beside the objects (-fstack-usage).
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
find "$BUILD/lib" "$BUILD/kernels" -name '*.su' -exec cat {} + >"$dir/figures" 2>/dev/null
[ -s "$dir/figures" ] || { skip stack 'this compiler writes no stack figures'; finish; }
most=$(awk '{ print $(NF - 1) }' "$dir/figures" | sort -n | tail -n 1)
none "stack: at most 8192 bytes a function, here $most" \
    "$(awk '$(NF - 1) > 8192 || $NF == "dynamic"' "$dir/figures")"
finish
