#!/bin/sh
# The C tests on another machine, with another C library, or under MemorySanitizer, run where they are built:
#     sh test/scripts/foreign.sh i686|musl|msan [SUITE...]
# i686 has 32 bits and no vector kernels; musl is the C library of Alpine.  Both link statically, so that they run on
# x86-64 as they are.  MemorySanitizer (clang) ends a program that decides by bytes which nothing has written; what
# libraries write that were built without it counts as unwritten.  The vector kernels, which take minutes to instrument,
# are left out there too.  `make check-i686`, `make check-musl` and `make msan` call this.
#
# The tests need cmocka, zlib and jansson, and there are no packages of them for musl, none with MemorySanitizer, nor any
# for i686 that install beside those of x86-64.  So the three are compiled from the sources of the system's own packages
# (apt-get source).
# Skips (exit code 77) where something is missing.
set -eu
: "${BUILD:=build}" "${MAKE:=make}" "${WERROR:=0}"
kind=$1
shift
link=-static more='' what=check-$kind
case $kind in
i686) CC=${FOREIGN_CC:-i686-linux-gnu-gcc} flags='-O2 -msse2 -mfpmath=sse' ;;
musl) CC=${FOREIGN_CC:-musl-gcc} flags=-O2 ;;
msan)
    CC=${FOREIGN_CC:-clang} flags='-O1 -g -fno-omit-frame-pointer -fsanitize=memory -fno-sanitize-recover=all'
    link='' more=SIMD=0 what=msan
    ;;
*) echo "foreign.sh: $kind is neither i686, musl nor msan" >&2 && exit 2 ;;
esac
out=$BUILD-$kind
sources=$BUILD-foreign # of the three libraries, the same for all

skip() {
    echo "$what: skipped, $1"
    exit 77
}
command -v "$CC" >/dev/null || skip "there is no $CC"
mkdir -p "$out"
echo 'int main(void) { return 0; }' >"$out/probe.c"
# shellcheck disable=SC2086
if ! { $CC $flags $link "$out/probe.c" -o "$out/probe" 2>/dev/null && "$out/probe"; }; then
    skip "$CC makes no programs that run here"
fi

# ---- the sources of three libraries ----

# A list of the system's own sources, apart from the one that its administrator keeps.
fetch() {
    command -v apt-get >/dev/null || skip 'there is no apt-get to fetch the sources of cmocka, zlib and jansson with'
    apt=$(cd "$sources" && pwd)/apt
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ubuntu.sources; do
        [ -f "$list" ] || continue
        sed 's/^Types:.*/Types: deb-src/; s/^deb /deb-src /' "$list" >"$apt/parts/$(basename "$list" .list).${list##*.}"
    done
    set -- -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/parts" -o "Dir::State::lists=$apt/lists" \
        -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root
    { apt-get "$@" update && (cd "$sources" && apt-get "$@" source --download-only cmocka zlib jansson); } \
        >"$sources/log" 2>&1 || skip "apt-get fetches no sources ($sources/log)"
    for archive in "$sources"/*.orig.tar.?z*; do
        case $archive in
        *.asc) ;;
        *) tar -xf "$archive" -C "$sources" ;;
        esac
    done
    rm -rf "$apt"
    touch "$sources/fetched"
}
mkdir -p "$sources"
[ -f "$sources/fetched" ] || fetch

# ---- compiled for this machine ----

root=$(cd "$out" && pwd)/root

# NAME, VERSION, FLAGS...: compiles the .c files of the current folder into libNAME.a, and tells pkg-config of it
library() {
    name=$1 version=$2
    shift 2
    # shellcheck disable=SC2086
    $CC $flags -w "$@" -c ./*.c
    ar rcs "$root/lib/lib$name.a" ./*.o
    rm ./*.o
    printf 'Name: %s\nDescription: %s\nVersion: %s\nCflags: -I%s\nLibs: -L%s -l%s\n' "$name" "$name" "$version" \
        "$root/include" "$root/lib" "$name" >"$root/lib/pkgconfig/$name.pc"
}
libraries() {
    rm -rf "$root" "$out/made"
    mkdir -p "$root/include" "$root/lib/pkgconfig" "$out/made"
    cp -R "$sources"/cmocka-*/ "$out/made/cmocka"
    cp -R "$sources"/zlib-*/ "$out/made/zlib"
    cp -R "$sources"/jansson-*/ "$out/made/jansson"
    (
        cd "$out/made/cmocka/src"
        cp ../include/cmocka*.h "$root/include"
        library cmocka 1 -I../include -DHAVE_INTTYPES_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H -DHAVE_MALLOC_H \
            -DHAVE_STRSIGNAL -DHAVE_SIGLONGJMP -DHAVE_CLOCK_REALTIME -DHAVE_STRUCT_TIMESPEC \
            -DHAVE_GCC_THREAD_LOCAL_STORAGE -D_GNU_SOURCE
    )
    (
        cd "$out/made/zlib"
        cp zlib.h zconf.h "$root/include"
        library z 1 -DHAVE_UNISTD_H -D_GNU_SOURCE
        mv "$root/lib/pkgconfig/z.pc" "$root/lib/pkgconfig/zlib.pc"
    )
    (
        cd "$out/made/jansson/src"
        sed 's/@json_inline@/inline/; s/@json_have_localeconv@/1/; s/@json_have_[a-z_]*@/1/' jansson_config.h.in \
            >jansson_config.h
        : >jansson_private_config.h
        cp jansson.h jansson_config.h "$root/include"
        library jansson 2 -I. -DHAVE_STDINT_H -DHAVE_UNISTD_H -DHAVE_STRTOLL -DHAVE_SETLOCALE -DHAVE_LOCALE_H \
            -DHAVE_LOCALECONV -DHAVE_SYS_TYPES_H -DUSE_URANDOM=1 -D_GNU_SOURCE
    )
    rm -rf "$out/made"
    touch "$root/made"
}
[ -f "$root/made" ] || libraries

# ---- the tests ----

unset MAKEFLAGS MFLAGS MAKELEVEL || :
# shellcheck disable=SC2086
PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$root/lib/pkgconfig $MAKE --no-print-directory -s -j2 BUILD="$out" CC="$CC" \
    CFLAGS="$flags" CPPFLAGS= LDFLAGS="$link" PKG_CONFIG=pkg-config JPEG=0 PNG=0 OPENBLAS=0 WEBP=0 HEIF=0 GIF=0 TIFF=0 BMP=0 \
    ARCHIVE=0 SECCOMP=0 HTTP=0 $more WERROR="$WERROR" unit ${1:+SUITES="$*"}
