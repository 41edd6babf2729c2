#!/bin/sh
# The Makefile: its configuration is remembered, changed and defended; what is missing is named; nothing is written
# while it is read.
set -u
. test/scripts/tap.sh
MAKE=${MAKE:-make} PKG_CONFIG=${PKG_CONFIG:-pkg-config}
unset MAKEFLAGS MFLAGS MAKELEVEL JPEG PNG OPENBLAS ZLIB FILES THREADS MALLOC ARCHIVE HTTP CFLAGS CPPFLAGS LDFLAGS EXTRA_DEFS \
    WERROR BUNDLED PREFIX DESTDIR BUILD 2>/dev/null
here=$(pwd)
out=$dir/out
make_() { "$MAKE" --no-print-directory BUILD="$out" "$@"; }
# shellcheck disable=SC2317 # `try` calls it
fails() { ! "$@"; }
# shellcheck disable=SC2317
remembers() { grep -q "^WAS_$1 := $2\$" "$out/config.mk"; }

make_ help >"$dir/help"
make_ -n all >/dev/null
make_ clean >/dev/null
try 'help, -n and clean write nothing' test ! -e "$out"
none 'each target has a line in help' "$(for target in all lib tools benches man demo serve weights test unit check asan tsan \
    valgrind fuzz firmware bench bench-peers roofline check-reference check-pillow check-neon install uninstall \
    clean deps; do grep -qE "(^make .*[ ,[]|^)$target\\>" "$dir/help" || grep -q "[ :]$target\\>" "$dir/help" ||
    echo "$target"; done)"

try 'a library is missing' fails env PKG_CONFIG_LIBDIR="$dir" PKG_CONFIG_PATH="$dir" \
    "$MAKE" BUILD="$out" lib PKG_CONFIG="$PKG_CONFIG"
said 'it is named, with two ways out' '^libjpeg is missing: run make deps.*make JPEG=0'
try 'pkg-config is missing' fails make_ lib PKG_CONFIG=no-pkg-config
said 'it is named' '^no-pkg-config is missing: run make deps'
try 'a setting that is neither 0 nor 1' fails make_ lib PNG=yes
said 'is named' 'PNG=yes: 0 and 1'
try 'a build folder that holds the sources' fails "$MAKE" BUILD=.. all

try 'check runs the checks' "$MAKE" -n BUILD="$out" check
said 'all of them' 'run.sh.*check_dialect.sh.*check_symbols.sh'

# ---- remembered ----
small='CFLAGS=-O0 BUNDLED='
# shellcheck disable=SC2086
try 'without OpenBLAS and every library of pictures' make_ -j2 $small OPENBLAS=0 PNG=0 JPEG=0 WEBP=0 HEIF=0 GIF=0 TIFF=0 BMP=0 HTTP=0 SECCOMP=0 all
try 'the configuration is remembered' remembers OPENBLAS 0
try 'make alone keeps it' make_ all
unsaid 'and makes nothing again' ' CC '
try 'install refuses another' fails make_ install PREFIX="$dir/prefix" OPENBLAS=1
said 'in words' "$out/ was configured with OPENBLAS=0: run .make OPENBLAS=1. first, or name another BUILD"
try 'and installs nothing' test ! -e "$dir/prefix"
try 'install refuses flags from the environment too' fails env CFLAGS=-O3 \
    "$MAKE" BUILD="$out" PREFIX="$dir/prefix" install
said 'in words' "was configured with CFLAGS=-O0: run .make CFLAGS=-O3. first"
# as another user may: without the way to pkg-config's files
try 'install installs what was built' env PKG_CONFIG_LIBDIR="$dir" PKG_CONFIG_PATH="$dir" \
    "$MAKE" BUILD="$out" install PREFIX="$dir/prefix"
unsaid 'and makes nothing again' ' CC '
try 'libcaption.pc knows what was left out' grep -qx 'Requires.private: zlib' "$dir/prefix/lib/pkgconfig/libcaption.pc"
try 'flags with quotes, dollars, commas and signs' make_ "$out/configured" \
    CPPFLAGS="-DTEXT='\"a b\"' -DSIGN='\$\$,#'"
try 'are remembered' make_ "$out/configured"
unsaid 'without another look' CONF
try 'a setting changes the configuration' make_ "$out/configured" ZLIB=0
try 'and leaves the others' remembers OPENBLAS 0
touch "$dir/before"
sleep 1
try 'then everything is made again' make_ "$out/lib/platform/cpu.o" CPPFLAGS=
try 'an object' test "$out/lib/platform/cpu.o" -nt "$dir/before"
try 'clean removes it' make_ clean
try 'with the configuration' test ! -e "$out"

# ---- from elsewhere ----
cd "$dir" || exit 1
try 'make -C, a build folder elsewhere, in parallel' "$MAKE" -C "$here" -j4 BUILD="$out/" CFLAGS=-O0 JPEG=0 PNG=0 \
    OPENBLAS=0 lib
try 'the library is there' test -f "$out/libcaption.a"
cd "$here" || exit 1
try 'one suite by its bare name' make_ -j2 -n unit SUITES=test_platform
said 'is that suite' "$out/test/lib/test_platform"
finish
