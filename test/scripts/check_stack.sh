#!/bin/sh
# How much stack a function may use: 4 KiB in the library and its plain C kernels, which small machines run; 8 KiB in
# vector kernels and explanations.  None has a frame without a bound.  The build leaves the figures beside the objects
# (-fstack-usage).
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
find "$BUILD/lib" "$BUILD/kernels" -name '*.su' -exec cat {} + >"$dir/figures" 2>/dev/null
[ -s "$dir/figures" ] || { skip stack 'this compiler writes no stack figures'; finish; }
# too_much MOST [-v] PATTERN: files that match, or with -v those that don't
too_much() {
    most=$1
    shift
    grep -E "$@" "$dir/figures" | awk -v most="$most" '$(NF - 1) > most || $NF == "dynamic"'
}
large='^(kernels/simd|lib/explain)/'
none 'stack: at most 4096 bytes a function' "$(too_much 4096 -v "$large")"
none 'stack: at most 8192 bytes in vector kernels and explanations' "$(too_much 8192 "$large")"
finish
