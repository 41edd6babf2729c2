#!/bin/sh
# The library without files, threads, malloc and other libraries: builds, needs nothing of an operating system,
# and captions from static memory.  `make firmware` runs this alone.  TARGET=cortex-m4, cortex-m7 or cortex-m55
# builds for that core instead; `make check-cortex-m` runs what comes out.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build} MAKE=${MAKE:-make} NM=${NM:-nm} TARGET=${TARGET:-}
out=$BUILD-firmware${TARGET:+-$TARGET} size=size
set -- "$out/libcaption.a" "$out/test/programs/firmware"
case $TARGET in
'') ;;
cortex-m4 | cortex-m7 | cortex-m55)
    NM=arm-none-eabi-nm size=arm-none-eabi-size
    if ! have arm-none-eabi-gcc; then
        skip 'builds' 'there is no arm-none-eabi-gcc (make deps-cross)'
        finish
    fi
    flags="-mcpu=$TARGET -mthumb -mfloat-abi=hard -ffunction-sections -fdata-sections"
    set -- "$out/libcaption.a" CC=arm-none-eabi-gcc AR=arm-none-eabi-ar CFLAGS="${FIRMWARE_CFLAGS:--Os -g} $flags" \
        WERROR=1
    ;;
*)
    echo "not ok - TARGET=$TARGET: cortex-m4, cortex-m7 and cortex-m55 are known"
    exit 1
    ;;
esac
# what make was called with goes to the caller's own build, not into this one
[ -z "$TARGET" ] || unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CC AR
try 'builds' "$MAKE" -s -j2 BUILD="$out" JPEG=0 PNG=0 OPENBLAS=0 ZLIB=0 FILES=0 THREADS=0 MALLOC=0 "$@"
[ $status = 0 ] || finish
# memory and text functions of freestanding libraries, libm, and what compilers call (Arm's __aeabi_...)
none 'needs libm and string.h alone' "$($NM -u "$out/libcaption.a" | awk '$1 == "U" {print $2}' | sort -u |
    grep -vE '^(caption_|cpt_|cptk_|_GLOBAL_OFFSET_TABLE_$|__stack_chk_fail$|__aeabi_)' |
    grep -vxE 'mem(cpy|move|set|cmp|chr)|str(cmp|len|r?chr|ncpy|ncmp)|(sqrt|floor|fabs|ldexp|fmax|fmin|rint)f?')"
if [ -z "$TARGET" ]; then
    try 'captions from static memory' "$out/test/programs/firmware"
    sed 's/^/# /' "$dir/try.log"
fi
$size "$out/libcaption.a" 2>/dev/null | awk 'NR > 1 {code += $1} END {print "# code and constants: " code " bytes"}'
finish
