#!/bin/sh
# Builds libcaption.wasm and, where the compiler knows relaxed SIMD, libcaption-relaxed.wasm: `make wasm`.  They go to
# BUILD/web, with the JavaScript module beside them: a folder that npm can pack.  Skips (exit code 77) where there is no compiler for WebAssembly.
#   WASM_CC  the compiler (the newest clang that finds wasi-libc and wasm-ld)
# `build.sh can` only says whether there is one.
set -eu
: "${BUILD:=build}" "${MAKE:=make}" "${WASM_CC:=}"
out=$BUILD/web
trial=$(mktemp)
trap 'rm -f "$trial"' EXIT
can() { # COMPILER FLAG...: does it make a module?
    printf '#include <string.h>\nint f(const char *x) { return (int)strlen(x); }\n' |
        "$@" --target=wasm32-wasi -nostartfiles -Wl,--no-entry -Wl,--export=f -x c - -o "$trial" >/dev/null 2>&1
}
cc=
for c in $WASM_CC clang-19 clang-18 clang-17 clang-16 clang; do
    if can "$c"; then
        cc=$c
        break
    fi
done
if [ -z "$cc" ]; then
    echo 'wasm: skipped, there is no clang with wasi-libc, wasm-ld and compiler-rt for WebAssembly (make deps-cross)'
    exit 77
fi

[ "${1:-}" != can ] || { echo "$cc"; exit 0; }

mkdir -p "$out"

# NAME RELAXED
module() {
    objects=$BUILD-wasm/$1
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CC AR LDFLAGS || :
        $MAKE --no-print-directory -s -j2 BUILD="$objects" CC="$cc --target=wasm32-wasi" CFLAGS=-Os RELAXED="$2" JPEG=0 \
            PNG=0 OPENBLAS=0 ZLIB=0 FILES=0 THREADS=0 MALLOC=0 WERROR="${WERROR:-0}" objects
    )
    # the stack lies below the data, so that an overflow traps
    # shellcheck disable=SC2046 # names without spaces
    $cc --target=wasm32-wasi -std=c11 -Os -Wall -Wextra -Werror -Iinclude -nostartfiles -Wl,--no-entry \
        -Wl,--stack-first -Wl,-z,stack-size=65536 -Wl,--gc-sections -Wl,--strip-all tools/web/module.c \
        $(find "$objects/lib" "$objects/kernels" -name '*.o') -o "$out/$1.wasm"
    echo "  WASM $out/$1.wasm: $(wc -c <"$out/$1.wasm") bytes, $(gzip -9 -c "$out/$1.wasm" | wc -c) with gzip"
}
module libcaption 0
# Its first drafts, which clang before 16 has, had other codes for the same instructions.
version=$(echo __clang_major__ | "$cc" -E -P -x c -)
if [ "$version" -ge 16 ]; then
    module libcaption-relaxed 1
else
    rm -f "$out/libcaption-relaxed.wasm"
    echo "  WASM no module with relaxed SIMD: it needs clang 16, and $cc is $version"
fi
cp tools/web/caption.js tools/web/caption.d.ts tools/web/README.md LICENSE "$out"
chmod a-x "$out"/*.wasm
sed "s/@version@/${VERSION:-0.0.0}/" tools/web/package.json >"$out/package.json"
