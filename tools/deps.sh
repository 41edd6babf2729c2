#!/bin/sh
# Installs what the build and the tests need, on Debian and Ubuntu; elsewhere names the packages.
# CC and PKG_CONFIG come from the environment, as do JPEG, PNG, OPENBLAS, WEBP, HEIF, GIF, TIFF, BMP, ARCHIVE,
# HTTP and SECCOMP, which leave their library out when they are 0.  Does nothing, and needs no rights, when everything is there.
set -u
CC=${CC:-cc}
PKG_CONFIG=${PKG_CONFIG:-pkg-config}
JPEG=${JPEG:-1}
PNG=${PNG:-1}
OPENBLAS=${OPENBLAS:-1}
WEBP=${WEBP:-1}
HEIF=${HEIF:-1}
GIF=${GIF:-1}
TIFF=${TIFF:-1}
BMP=${BMP:-1}
ARCHIVE=${ARCHIVE:-1}
HTTP=${HTTP:-1}
SECCOMP=${SECCOMP:-0}

pkgs='zlib jansson cmocka'
headers='stdio.h zlib.h jansson.h stdarg.h stddef.h stdint.h setjmp.h cmocka.h'
if [ "$JPEG" = 1 ]; then pkgs="libjpeg $pkgs"; headers="$headers jpeglib.h"; fi
if [ "$PNG" = 1 ]; then pkgs="$pkgs libpng"; headers="$headers png.h"; fi
if [ "$OPENBLAS" = 1 ]; then pkgs="$pkgs openblas"; headers="$headers cblas.h"; fi
libs=
if [ "$WEBP" = 1 ]; then pkgs="$pkgs libwebp libwebpdemux"; headers="$headers webp/decode.h webp/demux.h"; fi
if [ "$HEIF" = 1 ]; then pkgs="$pkgs libheif"; headers="$headers libheif/heif.h"; fi
if [ "$GIF" = 1 ]; then libs=-lgif; headers="$headers gif_lib.h"; fi # most systems have no .pc file of it
if [ "$TIFF" = 1 ]; then pkgs="$pkgs libtiff-4"; headers="$headers tiffio.h"; fi
if [ "$BMP" = 1 ]; then pkgs="$pkgs lept"; headers="$headers leptonica/allheaders.h"; fi
if [ "$SECCOMP" = 1 ]; then pkgs="$pkgs libseccomp"; headers="$headers seccomp.h"; fi
if [ "$ARCHIVE" = 1 ]; then pkgs="$pkgs libarchive"; headers="$headers archive.h"; fi
if [ "$HTTP" = 1 ]; then pkgs="$pkgs libmicrohttpd"; headers="$headers microhttpd.h"; fi

# Compiles and links a program that includes every header; the reason for a failure ends up in $problem.
# CC and PKG_CONFIG may be several words, such as "ccache cc".
present() {
    command -v "${CC%% *}" >/dev/null 2>&1 || { problem="no C compiler ($CC)"; return 1; }
    command -v "${PKG_CONFIG%% *}" >/dev/null 2>&1 || { problem="no $PKG_CONFIG"; return 1; }
    for p in $pkgs; do
        $PKG_CONFIG --exists "$p" || { problem="$PKG_CONFIG does not know $p"; return 1; }
    done
    dir=$(mktemp -d) || exit 1
    for h in $headers; do echo "#include <$h>"; done >"$dir/probe.c"
    echo 'int main(void) { return 0; }' >>"$dir/probe.c"
    # shellcheck disable=SC2046,SC2086
    if $CC $($PKG_CONFIG --cflags $pkgs) "$dir/probe.c" -o "$dir/probe" $($PKG_CONFIG --libs $pkgs) $libs \
        >"$dir/log" 2>&1; then
        rm -rf "$dir"
        return 0
    fi
    problem=$(head -n 1 "$dir/log")
    rm -rf "$dir"
    return 1
}

names() {
    cat <<'TEXT'
What libcaption needs, by system (a C compiler, make and pkg-config as well):
  Debian, Ubuntu   build-essential pkg-config libopenblas-dev libjpeg-dev libpng-dev zlib1g-dev
                   libjansson-dev libcmocka-dev libwebp-dev libheif-dev libgif-dev libtiff-dev libleptonica-dev
                   libarchive-dev libmicrohttpd-dev libseccomp-dev
  Fedora           gcc make pkgconf-pkg-config openblas-devel libjpeg-turbo-devel libpng-devel zlib-devel
                   jansson-devel libcmocka-devel libwebp-devel libheif-devel giflib-devel libtiff-devel
                   leptonica-devel libarchive-devel libmicrohttpd-devel libseccomp-devel
  Arch             base-devel pkgconf openblas cblas libjpeg-turbo libpng zlib jansson cmocka
                   libwebp libheif giflib libtiff leptonica libarchive libmicrohttpd libseccomp
  Alpine           build-base pkgconf openblas-dev libjpeg-turbo-dev libpng-dev zlib-dev jansson-dev
                   cmocka-dev libwebp-dev libheif-dev giflib-dev tiff-dev leptonica-dev libarchive-dev
                   libmicrohttpd-dev libseccomp-dev
  macOS (brew)     pkg-config openblas jpeg-turbo libpng zlib jansson cmocka
                   webp libheif giflib libtiff leptonica libarchive libmicrohttpd; then, so that they are found,
                   export PKG_CONFIG_PATH="$(brew --prefix openblas)/lib/pkgconfig:$(brew --prefix libarchive)/lib/pkgconfig:$(brew --prefix jpeg-turbo)/lib/pkgconfig"
make JPEG=0, make PNG=0 and make OPENBLAS=0 do without libjpeg, libpng and OpenBLAS; WEBP=0, HEIF=0, GIF=0, TIFF=0 and BMP=0
without the libraries of pictures that the tools alone read; ARCHIVE=0 without
libarchive, HTTP=0 without libmicrohttpd and capserve, SECCOMP=0 without libseccomp.
TEXT
}

if present; then
    echo 'deps: everything is there'
    exit 0
fi
echo "deps: $problem"

if ! command -v apt-get >/dev/null 2>&1; then
    names
    exit 1
fi

root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { names; echo 'deps: run this as root (there is no sudo)'; exit 1; }
    root=sudo
fi
list="gcc libc6-dev make pkg-config zlib1g-dev libjansson-dev libcmocka-dev"
[ "$JPEG" = 1 ] && list="$list libjpeg-dev"
[ "$PNG" = 1 ] && list="$list libpng-dev"
[ "$OPENBLAS" = 1 ] && list="$list libopenblas-dev"
[ "$WEBP" = 1 ] && list="$list libwebp-dev"
[ "$HEIF" = 1 ] && list="$list libheif-dev"
[ "$GIF" = 1 ] && list="$list libgif-dev"
[ "$TIFF" = 1 ] && list="$list libtiff-dev"
[ "$BMP" = 1 ] && list="$list libleptonica-dev"
[ "$SECCOMP" = 1 ] && list="$list libseccomp-dev"
[ "$ARCHIVE" = 1 ] && list="$list libarchive-dev"
[ "$HTTP" = 1 ] && list="$list libmicrohttpd-dev"
echo "deps: installing $list"
$root env DEBIAN_FRONTEND=noninteractive apt-get -q update || echo 'deps: package lists are not up to date'
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $list || {
    names
    exit 1
}
present || { echo "deps: still missing: $problem"; names; exit 1; }
echo 'deps: everything is there'
