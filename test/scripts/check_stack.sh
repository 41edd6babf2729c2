#!/bin/sh
# No function of the library uses more than 8 KiB of stack, none a frame without a bound.  The build leaves the
# figures beside the objects (-fstack-usage).
set -u
BUILD=${BUILD:-build}
files=$(find "$BUILD/lib" "$BUILD/kernels" -name '*.su' 2>/dev/null)
[ -n "$files" ] || { echo 'ok - stack # SKIP this compiler writes no stack figures'; exit 0; }
# shellcheck disable=SC2086
big=$(awk '{bytes = $(NF - 1); if (bytes > 8192 || $NF == "dynamic") print}' $files)
if [ -z "$big" ]; then
    # shellcheck disable=SC2086
    echo "ok - stack: at most $(awk '{print $(NF - 1)}' $files | sort -n | tail -n 1) bytes a function"
else
    echo 'not ok - stack: more than 8192 bytes, or no bound'
    echo "$big" | sed 's/^/# /'
    exit 1
fi
