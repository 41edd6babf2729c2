#!/bin/sh
# The library without files, threads, malloc and other libraries: builds, needs nothing of an operating system,
# and captions from static memory.  `make firmware` runs this alone.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build} MAKE=${MAKE:-make} NM=${NM:-nm}
out=$BUILD-firmware
try 'builds' "$MAKE" -s -j2 BUILD="$out" JPEG=0 PNG=0 OPENBLAS=0 ZLIB=0 FILES=0 THREADS=0 MALLOC=0 \
    "$out/libcaption.a" "$out/test/programs/firmware"
[ $status = 0 ] || finish
# memory and text functions of freestanding libraries, and libm
none 'needs libm and string.h alone' "$($NM -u "$out/libcaption.a" | awk '$1 == "U" {print $2}' | sort -u |
    grep -vE '^(caption_|cpt_|cptk_|_GLOBAL_OFFSET_TABLE_$|__stack_chk_fail$)' |
    grep -vxE 'mem(cpy|move|set|cmp|chr)|str(cmp|len|r?chr|ncpy|ncmp)|(sqrt|floor|fabs|ldexp|fmax|fmin|rint)f?')"
try 'captions from static memory' "$out/test/programs/firmware"
sed 's/^/# /' "$dir/try.log"
size "$out/libcaption.a" 2>/dev/null | awk 'NR > 1 {code += $1} END {print "# code and constants: " code " bytes"}'
finish
