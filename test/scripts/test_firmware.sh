#!/bin/sh
# The library without files, threads, malloc and other libraries: builds, needs nothing of an operating system,
# and captions from static memory.  Also `make firmware`.
set -u
BUILD=${BUILD:-build} MAKE=${MAKE:-make} NM=${NM:-nm}
out=$BUILD-firmware
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
if $MAKE -s -j2 BUILD="$out" JPEG=0 PNG=0 OPENBLAS=0 ZLIB=0 FILES=0 THREADS=0 MALLOC=0 \
    "$out/libcaption.a" "$out/test/programs/firmware" >"$log" 2>&1; then
    echo 'ok - builds'
else
    echo 'not ok - builds'
    sed 's/^/# /' "$log"
    exit 1
fi
status=0
used=$($NM -u "$out/libcaption.a" | awk '$1 == "U" {print $2}' | sort -u |
    grep -vE '^(caption_|cpt_|cptk_|_GLOBAL_OFFSET_TABLE_$|__stack_chk_fail$)')
# memory and text functions of freestanding libraries, snprintf for messages, and libm
strange=$(echo "$used" | grep -vxE 'mem(cpy|move|set|cmp|chr)|str(cmp|len|chr|ncpy|ncmp)|v?snprintf|(exp|log|tanh|pow|sqrt|floor|fabs|ldexp|fmax|fmin|expm1|log1p)f?')
if [ -z "$strange" ]; then echo 'ok - needs libm, string.h and snprintf alone'; else
    echo 'not ok - needs libm, string.h and snprintf alone'
    echo "$strange" | sed 's/^/# /'
    status=1
fi
if "$out/test/programs/firmware" >"$log" 2>&1; then echo 'ok - captions from static memory'; else
    echo 'not ok - captions from static memory'
    status=1
fi
sed 's/^/# /' "$log"
size "$out/libcaption.a" 2>/dev/null | awk 'NR > 1 {code += $1} END {print "# code and constants: " code " bytes"}'
exit $status
