#!/bin/sh
# The library on Cortex-M4, M7 and M55, emulated by QEMU: `make check-cortex-m`.  Each captions the bundled pictures
# from raw RGB, with the bundled model in float32 and in int8.  Words, bits of scores and checksums of features must be
# those of plain C on this machine; in float32 the M55's kernels give the same words and nearly the same scores.  FAST=1:
# one picture each.  Says how much memory and how many instructions it took.
# shellcheck disable=SC2317,SC2086 # functions that run through `try`; flags and names without spaces
set -u
. test/scripts/tap.sh
: "${BUILD:=build}" "${MAKE:=make}" "${CC:=cc}" "${FAST:=}"
for tool in arm-none-eabi-gcc qemu-system-arm; do
    if ! have $tool; then
        skip 'Cortex-M' "there is no $tool (make deps-cross)"
        finish
    fi
done
pictures=weights/scenes/demo model=weights/scenes.capw
if ! [ -f $model ] || ! [ -d $pictures ]; then
    skip 'Cortex-M' 'there is no bundled model'
    finish
fi

# ---- the models and the pictures ----
cp $model "$dir/float32.capw"
try 'the model in int8' "$BUILD/capconvert" --int8 --calibrate $pictures $model -o "$dir/int8.capw"
raw() { "$BUILD/test/programs/raw_pictures" $model $pictures/*.jpg >"$dir/pictures.rgb"; }
try 'raw pictures' raw
[ -z "$FAST" ] || { head -c 150528 "$dir/pictures.rgb" >"$dir/one" && mv "$dir/one" "$dir/pictures.rgb"; }
[ $status = 0 ] || finish

# ---- this machine ----
# Every '#' line is about a machine alone.
defs='-std=c11 -ffp-contract=off -D_XOPEN_SOURCE=700 -Iinclude -I.'
left_out='-DCAPTION_NO_FILES -DCAPTION_NO_THREADS -DCAPTION_NO_MALLOC -DCAPTION_WITH_JPEG=0 -DCAPTION_WITH_PNG=0
    -DCAPTION_WITH_OPENBLAS=0 -DCAPTION_WITH_ZLIB=0 -DCAPTION_WITH_SIMD=0'
try 'builds for this machine' "$CC" -O2 $defs $left_out -DSESSION_BYTES='(3 << 20)' test/cortex-m/captions.c test/cortex-m/host.c lib/*.c lib/*/*.c \
    kernels/*.c kernels/ref/*.c kernels/gemm/*.c -lm -o "$dir/host"
[ $status = 0 ] || finish
for kind in float32 int8; do
    MODEL="$dir/$kind.capw" PICTURES="$dir/pictures.rgb" "$dir/host" >"$dir/log" || status=1
    grep -v '^#' "$dir/log" >"$dir/$kind.txt"
done
none 'captions on this machine' "$(grep -L features "$dir/float32.txt" "$dir/int8.txt")"

# ---- the boards ----
# Says which words differ from this machine's, and which scores differ by more than 0.001.
same_words() {
    sed 's/  score .*about /	/' "$dir/float32.txt" >"$dir/here"
    sed 's/  score .*about /	/' "$1" | awk -F'\t' -v here="$dir/here" '
        {getline line < here; split(line, want, "\t"); off = $2 - want[2]}
        $1 != want[1] || off > 1000 || off < -1000
        END {if (getline line < here > 0 || NR == 0) print "pictures are missing"}'
}

# CORE, BOARD, ADDRESS AND HERTZ OF ITS COUNTER
board() {
    core=$1 machine=$2 out=$BUILD-firmware-$1
    try "the library for $core" env TARGET="$core" sh test/scripts/test_firmware.sh
    grep '^#' "$dir/try.log"
    for kind in float32 int8; do
        [ $status = 0 ] || return
        try "$kind builds for $core" arm-none-eabi-gcc -Os -g -Wall -Wextra -Werror -mcpu="$core" -mthumb -mfloat-abi=hard \
            $defs -DBOARD_COUNTER="$3" -DBOARD_HERTZ="$4" -DMODEL_FILE="\"$dir/$kind.capw\"" test/cortex-m/captions.c \
            test/cortex-m/semihosting.c test/cortex-m/model.S "$out/libcaption.a" -nostartfiles -Wl,--gc-sections \
            -T "test/cortex-m/$machine.ld" -lm -lc -lgcc -o "$dir/$core"
        [ $status = 0 ] || return
        arm-none-eabi-size -A "$dir/$core" | awk '$1 == ".code" {print "# with libc: " $2 " bytes of code"}'
        (cd "$dir" && exec timeout 1800 qemu-system-arm -M "$machine" -nographic -monitor none -serial none \
            -semihosting-config enable=on,target=native -icount shift=0 -kernel "$dir/$core") >"$dir/said" 2>&1 </dev/null
        grep '^#' "$dir/said"
        # of what a board has little of
        bytes=393216
        [ $kind = int8 ] || bytes=1048576
        none "$core, $kind: at most $bytes bytes of session and 4096 of stack" "$(awk -v bytes=$bytes '
            ($2 == "kernels" && $5 > bytes) || ($2 == "stack" && ($3 == 0 || $3 > 4096))' "$dir/said")"
        grep -v '^#' "$dir/said" >"$dir/$core.txt"
        # Helium multiplies and adds floats with one rounding, plain C with two
        if [ "$kind" = float32 ] && grep -q '^# kernels mve' "$dir/said"; then
            none "$core has the words and about the scores of this machine, $kind" "$(same_words "$dir/$core.txt")"
        else
            none "$core captions as this machine does, $kind" "$(diff "$dir/$kind.txt" "$dir/$core.txt")"
        fi
    done
}
for core in ${TARGET:-cortex-m4 cortex-m7 cortex-m55}; do
    case $core in
    cortex-m4) board cortex-m4 mps2-an386 0x40028018 25000000 ;;
    cortex-m7) board cortex-m7 mps2-an500 0x40028018 25000000 ;;
    *) board cortex-m55 mps3-an547 0x49302018 32000000 ;;
    esac
done
finish
