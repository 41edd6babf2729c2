#!/bin/sh
# Says which of the named packages pkg-config doesn't know, and how to get or avoid them:
#     CC=cc PKG_CONFIG=pkg-config sh tools/packaging/need.sh libjpeg zlib
# Prints nothing and succeeds when all are there.
set -u
PKG_CONFIG=${PKG_CONFIG:-pkg-config}
[ $# != 0 ] || exit 0
# shellcheck disable=SC2086
if ! $PKG_CONFIG --version >/dev/null 2>&1; then
    echo "$PKG_CONFIG is missing: run make deps, or name another with PKG_CONFIG=" >&2
    exit 1
fi
status=0
for package; do
    # shellcheck disable=SC2086
    if [ "$package" = giflib ]; then # most systems have no .pc file of it
        # shellcheck disable=SC2086
        printf '#include <stddef.h>\n#include <gif_lib.h>\n' | ${CC:-cc} ${CPPFLAGS-} -E - >/dev/null 2>&1 && continue
    else
        $PKG_CONFIG --exists "$package" && continue
    fi
    status=1
    case $package in
    libjpeg) without='make JPEG=0 (then there are no JPEG images)' ;;
    libpng) without='make PNG=0 (then there are no PNG images)' ;;
    libwebp | libwebpdemux) without='make WEBP=0 (then the tools read no WebP images)' ;;
    libheif) without='make HEIF=0 (then the tools read no HEIC and AVIF images)' ;;
    giflib) without='make GIF=0 (then the tools read no GIF images)' ;;
    libseccomp) without='make SECCOMP=0 (then the tools keep rights that they do not need)' ;;
    libmicrohttpd) without='make HTTP=0 (then there is no capserve)' ;;
    libtiff-4) without='make TIFF=0 (then the tools read no TIFF images)' ;;
    lept) without='make BMP=0 (then the tools read no BMP images)' ;;
    openblas) without='make OPENBLAS=0 (then a plain C product takes its place)' ;;
    zlib) without='make lib ZLIB=0 (the tools always need it)' ;;
    jansson) without='make lib (only the tools need it)' ;;
    cmocka) without='make all (only the tests need it)' ;;
    *) without= ;;
    esac
    echo "$package is missing: run make deps${without:+, or do without it: $without}" >&2
done
exit $status
