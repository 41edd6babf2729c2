#!/bin/sh
# The library in WebAssembly, run by Node: `make check-wasm`.  The kernels' check, and captions of the bundled pictures
# from raw RGB and RGBA, with the bundled model in float32 and in int8.  Words, bits of scores and checksums of features
# must be those of plain C on this machine: in plain C, and in int8 with every instruction set.  In float32 with vectors
# the words must be the same, and the features nearly.  FAST=1: one picture each.
# shellcheck disable=SC2317,SC2086 # functions that run through `try`; flags and names without spaces
set -u
. test/scripts/tap.sh
: "${BUILD:=build}" "${MAKE:=make}" "${CC:=cc}" "${FAST:=}"
pictures=weights/scenes/demo model=weights/scenes.capw
if ! have node || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    skip WebAssembly 'there is no node 20 or later (make deps-cross)'
    finish
fi
if ! [ -f $model ] || ! [ -d $pictures ]; then
    skip WebAssembly 'there is no bundled model'
    finish
fi
log=$(sh tools/web/build.sh 2>&1)
case $? in
0) echo "$log" | sed -n 's/^  WASM /# /p' ;;
77)
    skip WebAssembly "$log"
    finish
    ;;
*)
    none 'the modules build' "$log"
    finish
    ;;
esac
most=$(gzip -9 -c "$BUILD/web/libcaption.wasm" | wc -c)
none 'at most 80 KB with gzip' "$([ "$most" -le 80000 ] || echo "$most bytes")"

# relaxed SIMD is behind a flag in Node 20; where neither module nor engine has it, it is left out
flags=--no-warnings
! node --experimental-wasm-relaxed-simd -e 0 2>/dev/null || flags="$flags --experimental-wasm-relaxed-simd"
relaxed=
if [ -f "$BUILD/web/libcaption-relaxed.wasm" ] &&
    node $flags -e 'WebAssembly.compile(require("fs").readFileSync(process.argv[1])).catch(() => process.exit(1))' \
        "$BUILD/web/libcaption-relaxed.wasm"; then
    relaxed=1
fi

# ---- kernels ----
cc=$(sh tools/web/build.sh can) || cc=
kernels() { # RELAXED
    out=$BUILD-wasm/test-$1
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CC AR LDFLAGS || :
        $MAKE --no-print-directory -s -j2 BUILD="$out" CC="$cc --target=wasm32-wasi" CFLAGS=-O2 RELAXED="$1" JPEG=0 \
            PNG=0 OPENBLAS=0 ZLIB=0 FILES=0 THREADS=0 MALLOC=0 WEBP=0 HEIF=0 GIF=0 TIFF=0 BMP=0 ARCHIVE=0 HTTP=0 SECCOMP=0 \
            WERROR=1 "$out/test/alone/test_kernels"
    ) && node $flags test/web/wasi.mjs "$out/test/alone/test_kernels" --every 1000003
}
try 'the kernels agree with plain C' kernels ${relaxed:-0}
grep ': checked' "$dir/try.log" | sed 's/^/# /'

# ---- this machine ----
try 'the model in int8' "$BUILD/capconvert" --int8 --calibrate $pictures $model -o "$dir/int8.capw"
cp $model "$dir/float32.capw"
raw() { "$BUILD/test/programs/raw_pictures" $model $pictures/*.jpg >"$dir/pictures.rgb"; }
try 'raw pictures' raw
[ -z "$FAST" ] || { head -c 150528 "$dir/pictures.rgb" >"$dir/one" && mv "$dir/one" "$dir/pictures.rgb"; }
defs='-std=c11 -ffp-contract=off -D_XOPEN_SOURCE=700 -Iinclude -I.'
left_out='-DCAPTION_NO_FILES -DCAPTION_NO_THREADS -DCAPTION_NO_MALLOC -DCAPTION_WITH_JPEG=0 -DCAPTION_WITH_PNG=0
    -DCAPTION_WITH_OPENBLAS=0 -DCAPTION_WITH_ZLIB=0 -DCAPTION_WITH_SIMD=0'
try 'builds for this machine' "$CC" -O2 $defs $left_out test/cortex-m/captions.c test/cortex-m/host.c lib/*.c lib/*/*.c \
    kernels/*.c kernels/ref/*.c kernels/gemm/*.c -lm -o "$dir/host"
[ $status = 0 ] || finish
for kind in float32 int8; do
    MODEL="$dir/$kind.capw" PICTURES="$dir/pictures.rgb" "$dir/host" >"$dir/log" || status=1
    sed '/^#/d; s/  about .*//' "$dir/log" >"$dir/$kind.txt" # without the rounded score
done
none 'captions on this machine' "$(grep -L features "$dir/float32.txt" "$dir/int8.txt")"

# ---- Node ----
# KIND LEVEL OPTION...: into $dir/said.txt, and the features into $dir/LEVEL.f32
captions() {
    kind=$1 level=$2
    shift 2
    node $flags test/web/captions.mjs "$BUILD/web" "$dir/$kind.capw" "$dir/pictures.rgb" --features "$dir/$level.f32" "$@" \
        >"$dir/said" || return
    grep -qx "# kernels $level" "$dir/said" && grep -v '^#' "$dir/said" >"$dir/said.txt"
}
same() { # KIND LEVEL OPTION...
    try "$1 with $2" captions "$@"
    none "$1 with $2: words, scores and features to the bit" "$(diff "$dir/$1.txt" "$dir/said.txt")"
}
words() { sed 's/  score .*//' "$1"; }
near() { # LEVEL OPTION...
    try "float32 with $1" captions float32 "$@"
    words "$dir/said.txt" >"$dir/words"
    none "float32 with $1: the words" "$(words "$dir/float32.txt" | diff - "$dir/words")"
    try "float32 with $1: the features, within 1e-4 of the largest" node test/web/near.mjs "$dir/c.f32" "$dir/$1.f32" 1e-4
}
same int8 c --cpu 0
same int8 simd128
same float32 c --cpu 0
near simd128
if [ -n "$relaxed" ]; then
    same int8 relaxed --relaxed
    near relaxed --relaxed
else
    skip 'relaxed SIMD' 'the compiler or node lacks it'
fi
# ---- the package ----
packed() {
    mkdir "$dir/user" && npm pack --silent --pack-destination "$dir" "$link/web" >"$dir/name" &&
        (cd "$dir/user" && echo '{}' >package.json &&
            npm install --silent --offline --ignore-scripts --no-audit --no-fund "$dir/$(cat "$dir/name")") &&
        cp test/web/installed.mjs "$dir/user" &&
        node $flags "$dir/user/installed.mjs" "$dir/int8.capw" "$dir/pictures.rgb" >"$dir/words"
}
case $BUILD in /*) link=$BUILD ;; *) link=./$BUILD ;; esac
if have npm; then
    try 'npm packs and installs it' packed
    none 'and it captions' "$(words "$dir/int8.txt" | head -n 1 | diff - "$dir/words")"
else
    skip 'npm packs and installs it' 'there is no npm'
fi
try 'errors, progress and large pictures' node $flags test/web/module.mjs "$BUILD/web" $model
finish
