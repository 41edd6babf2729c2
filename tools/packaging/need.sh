#!/bin/sh
# Says which of the named packages pkg-config doesn't know, and how to get or avoid them:
#     PKG_CONFIG=pkg-config sh tools/packaging/need.sh libjpeg zlib
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
    $PKG_CONFIG --exists "$package" && continue
    status=1
    case $package in
    libjpeg) without='make JPEG=0 (then there are no JPEG images)' ;;
    libpng) without='make PNG=0 (then there are no PNG images)' ;;
    openblas) without='make OPENBLAS=0 (then a plain C product takes its place)' ;;
    zlib) without='make lib ZLIB=0 (the tools always need it)' ;;
    jansson) without='make lib (only the tools need it)' ;;
    cmocka) without='make all (only the tests need it)' ;;
    *) without= ;;
    esac
    echo "$package is missing: run make deps${without:+, or do without it: $without}" >&2
done
exit $status
