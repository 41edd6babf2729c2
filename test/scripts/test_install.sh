#!/bin/sh
# Installs into temporary folders; builds the README's program outside the tree, shared and static, through
# pkg-config; runs it; takes everything away again.
set -u
BUILD=${BUILD:-build} CC=${CC:-cc} MAKE=${MAKE:-make} PKG_CONFIG=${PKG_CONFIG:-pkg-config}
status=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
try() { # NAME, COMMAND...
    name=$1
    shift
    if "$@" >"$dir/log" 2>&1; then echo "ok - $name"; else
        echo "not ok - $name"
        sed 's/^/# /' "$dir/log"
        status=1
    fi
}
# the first block of C in the README that includes caption.h
awk '/^```c$/ {inside = 1; text = ""; next}
     /^```/ && inside {if (text ~ /caption\.h/) {printf "%s", text; exit}; inside = 0}
     inside {text = text $0 "\n"}' README.md >"$dir/program.c"
try 'the README shows a program' grep -q 'int main' "$dir/program.c"

try 'install' $MAKE -s BUILD="$BUILD" PREFIX="$dir/prefix" DESTDIR= install
export PKG_CONFIG_PATH="$dir/prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
try 'pkg-config knows the version' test "$($PKG_CONFIG --modversion libcaption)" = 0.1.0
strict='-std=c11 -Wall -Wextra -Werror'
cd "$dir" || exit 1
# shellcheck disable=SC2046,SC2086
{
try 'a program builds with the shared library' \
    "$CC" $strict program.c -o shared $($PKG_CONFIG --cflags --libs libcaption)
mkdir static # the same folder without the shared library
cp prefix/lib/libcaption.a static
try 'a program builds with the static library' "$CC" $strict program.c -o with-static \
    $($PKG_CONFIG --static --define-variable=libdir="$dir/static" --cflags --libs libcaption)
}
cd - >/dev/null || exit 1
try 'a model and a picture' "$BUILD/test/programs/make_demo" "$dir/m.capw" "$dir/p.jpg"
try 'the shared one runs' sh -c "LD_LIBRARY_PATH='$dir/prefix/lib' '$dir/shared' '$dir/m.capw' '$dir/p.jpg' >'$dir/a'"
try 'the static one runs' sh -c "'$dir/with-static' '$dir/m.capw' '$dir/p.jpg' >'$dir/b'"
try 'both say the same, and something' sh -c "grep -q '[a-z]' '$dir/a' && cmp '$dir/a' '$dir/b'"
if command -v readelf >/dev/null 2>&1; then
    try 'the shared library has a soname' sh -c "readelf -d '$dir/prefix/lib/libcaption.so' | grep -q 'libcaption.so.0\]'"
fi
if [ -x "$dir/prefix/bin/capdemo" ]; then
    try 'an installed tool runs' "$dir/prefix/bin/capdemo" -m "$dir/m.capw" "$dir/p.jpg"
fi
try 'uninstall' $MAKE -s BUILD="$BUILD" PREFIX="$dir/prefix" DESTDIR= uninstall
try 'nothing stays behind' test -z "$(find "$dir/prefix" ! -type d)"

try 'install below DESTDIR' $MAKE -s BUILD="$BUILD" DESTDIR="$dir/stage" PREFIX=/opt/caption libdir=/opt/caption/lib64 install
try 'everything is below it' test -f "$dir/stage/opt/caption/lib64/libcaption.a"
try 'libcaption.pc names the final place' grep -q '^libdir=/opt/caption/lib64$' \
    "$dir/stage/opt/caption/lib64/pkgconfig/libcaption.pc"
exit $status
