#!/bin/sh
# Installs into temporary folders; builds the README's program outside the tree, shared and static, through
# pkg-config; runs it; takes everything away again.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build} CC=${CC:-cc} MAKE=${MAKE:-make} PKG_CONFIG=${PKG_CONFIG:-pkg-config} VERSION=${VERSION:?}
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac
prefix=$dir/prefix

# the first block of C in the README that includes caption.h
awk '/^```c$/ {inside = 1; text = ""; next}
     /^```/ && inside {if (text ~ /caption\.h/) {printf "%s", text; exit}; inside = 0}
     inside {text = text $0 "\n"}' README.md >"$dir/program.c"
try 'the README shows a program' grep -q 'int main' "$dir/program.c"

# a file beside those installed, which stays
mkdir -p "$prefix/lib" "$prefix/share/man/man3" && : >"$prefix/share/man/man3/caption_other.3"
try 'install' "$MAKE" -s BUILD="$BUILD" PREFIX="$prefix" DESTDIR= install
if have ldconfig || [ -x /sbin/ldconfig ]; then
    said 'it says what the dynamic linker needs' "LD_LIBRARY_PATH=$prefix/lib"
else
    skip 'it says what the dynamic linker needs' 'no ldconfig'
fi
none 'libraries, headers and manuals are not executable' \
    "$(find "$prefix/lib" "$prefix/include" "$prefix/share" -type f -perm -100)"
none 'everyone may read them' "$(find "$prefix" -type f ! -perm -444)"
for file in share/doc/libcaption/LICENSE share/doc/libcaption/NEWS share/doc/libcaption/format.md \
    share/man/man1/capdemo.1 share/man/man3/libcaption.3 share/man/man3/caption_file.3; do
    try "there is $file" test -s "$prefix/$file"
done
for tool in tools/cap*.c; do
    tool=$(basename "$tool" .c)
    try "$tool has completions for bash" grep -q libcaption "$prefix/share/bash-completion/completions/$tool"
    try "$tool has completions for zsh" grep -qx "#compdef $tool" "$prefix/share/zsh/site-functions/_$tool"
    try "$tool has completions for fish" grep -q "$tool" "$prefix/share/fish/vendor_completions.d/$tool.fish"
done
if have bash; then
    try 'bash completes with what was installed' sh -c "echo 'capinfo --veri' | PATH='$prefix/bin:$PATH' bash \
        test/scripts/offer.bash '$prefix/share/bash-completion/completions' | grep -q -- --verify"
fi
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
try 'pkg-config knows the version' test "$($PKG_CONFIG --modversion libcaption)" = "$VERSION"

mkdir "$dir/static" # the same folder without the shared library
cp "$prefix/lib/libcaption.a" "$dir/static"
strict='-std=c11 -Wall -Wextra -Werror'
# shellcheck disable=SC2046,SC2086
{
try 'a program builds with the shared library' \
    $CC $strict "$dir/program.c" -o "$dir/shared" $($PKG_CONFIG --cflags --libs libcaption)
try 'a program builds with the static library' $CC $strict "$dir/program.c" -o "$dir/with-static" \
    $($PKG_CONFIG --static --define-variable=libdir="$dir/static" --cflags --libs libcaption)
}
try 'a model and a picture' "$BUILD/test/programs/make_demo" "$dir/m.capw" "$dir/p.jpg"
try 'the shared one runs' sh -c "LD_LIBRARY_PATH='$prefix/lib' '$dir/shared' '$dir/m.capw' '$dir/p.jpg' >'$dir/a'"
try 'the static one runs' sh -c "'$dir/with-static' '$dir/m.capw' '$dir/p.jpg' >'$dir/b'"
try 'both say the same, and something' sh -c "grep -q '[a-z]' '$dir/a' && cmp '$dir/a' '$dir/b'"
if have readelf; then
    try 'the shared library has a soname' \
        sh -c "readelf -d '$prefix/lib/libcaption.so' | grep -q 'libcaption.so.${VERSION%%.*}\]'"
    try 'a program asks for versions of symbols' \
        sh -c "readelf -W --dyn-syms '$dir/shared' | grep -q 'caption_file@LIBCAPTION_${VERSION%%.*}'"
fi
try 'an installed tool runs' "$prefix/bin/capdemo" -m "$dir/m.capw" "$dir/p.jpg"
try 'uninstall' "$MAKE" -s BUILD="$BUILD" PREFIX="$prefix" DESTDIR= uninstall
none 'nothing stays behind' "$(find "$prefix" ! -type d ! -name caption_other.3)"
none 'nor a folder of our own' "$(find "$prefix" -type d -name libcaption)"
try 'what others put there stays' test -f "$prefix/share/man/man3/caption_other.3"

try 'install below DESTDIR' "$MAKE" -s BUILD="$BUILD" DESTDIR="$dir/stage" PREFIX=/opt/caption \
    libdir=/opt/caption/lib64 install
unsaid 'nothing is said of the dynamic linker' linker
try 'everything is below it' test -f "$dir/stage/opt/caption/lib64/libcaption.a"
try 'libcaption.pc names the final place' grep -q '^libdir=/opt/caption/lib64$' \
    "$dir/stage/opt/caption/lib64/pkgconfig/libcaption.pc"
finish
