#!/bin/sh
# Installs files, or takes away what was installed:
#     sh tools/packaging/install.sh install|uninstall HOW:SOURCE:PLACE...
# HOW is the mode of a file, `link` for a symbolic link to SOURCE, or `fill` for a template whose @names@ are filled
# in.  PLACE is where the file is used; DESTDIR goes before it.  From the environment, besides DESTDIR and INSTALL, what
# templates name: prefix, libdir, includedir, version, soname, shared, requires, libs, static_libs.  V=1 names each file.
set -eu
DESTDIR=${DESTDIR:-} INSTALL=${INSTALL:-install}
: "${prefix:?}" "${libdir:?}" "${includedir:?}" "${version:?}" "${soname:?}" "${shared:?}"
: "${requires=}" "${libs=}" "${static_libs=}"
action=$1
shift

# the text to put after s|...| in sed
escape() { printf '%s' "$1" | sed 's/[\\&|]/\\&/g'; }

# the way from folder $1 to folder $2 where both are below $prefix, else $2
relative() {
    case $1/ in "$prefix"/*) ;; *) echo "$2"; return ;; esac
    case $2/ in "$prefix"/*) ;; *) echo "$2"; return ;; esac
    up=$(printf '%s' "${1#"$prefix"}" | sed 's|/[^/][^/]*|/..|g; s|^/||')
    echo "$up${2#"$prefix"}"
}

fill() { # TEMPLATE
    sed -e "s|@prefix@|$(escape "$prefix")|g" -e "s|@libdir@|$(escape "$libdir")|g" \
        -e "s|@includedir@|$(escape "$includedir")|g" -e "s|@version@|$version|g" \
        -e "s|@major@|${version%%.*}|g" -e "s|@soname@|$soname|g" -e "s|@shared@|$shared|g" \
        -e "s|@requires@|$requires|g" -e "s|@libs@|$libs|g" \
        -e "s|@static_libs@|$(printf '%s' "$(escape "$static_libs")" | tr -s ' ' ';')|g" \
        -e "s|@to_libdir@|$(relative "$libdir/cmake/libcaption" "$libdir")|g" \
        -e "s|@to_includedir@|$(relative "$libdir/cmake/libcaption" "$includedir")|g" "$1"
}

put() { # HOW, SOURCE, PLACE
    [ "${V:-0}" != 1 ] || echo "  $3"
    case $(dirname "$3") in "$made") ;; *)
        made=$(dirname "$3")
        $INSTALL -d "$DESTDIR$made"
        ;;
    esac
    case $1 in
    link) ln -sf "$2" "$DESTDIR$3" ;;
    fill)
        fill "$2" >"$filled"
        $INSTALL -m 644 "$filled" "$DESTDIR$3"
        ;;
    *) $INSTALL -m "$1" "$2" "$DESTDIR$3" ;;
    esac
}

# folders that are ours alone go too, once they are empty
take_away() { # PLACE
    rm -f "$DESTDIR$1"
    folder=$(dirname "$1")
    while :; do
        case ${folder#"$prefix"} in
        */libcaption | */libcaption/*) rmdir "$DESTDIR$folder" 2>/dev/null || return 0 ;;
        *) return 0 ;;
        esac
        folder=$(dirname "$folder")
    done
}

# Tells the dynamic linker, where that can be done; says what to do where it can't.
linker() {
    [ -z "$DESTDIR" ] && [ "$(uname -s)" = Linux ] || return 0
    PATH=$PATH:/usr/sbin:/sbin
    command -v ldconfig >/dev/null 2>&1 || return 0
    real=$(cd "$libdir" 2>/dev/null && pwd -P) || return 0
    for folder in $(ldconfig -v -N -X 2>/dev/null | sed -n 's|^\(/[^:]*\):.*|\1|p'); do
        [ "$(cd "$folder" 2>/dev/null && pwd -P)" = "$real" ] || continue
        if [ "$(id -u)" = 0 ]; then ldconfig; elif [ "$action" = install ]; then
            echo "Run \`ldconfig\` as root, so that programs find $libdir/$soname."
        fi
        return 0
    done
    [ "$action" = uninstall ] ||
        echo "The dynamic linker doesn't look into $libdir: export LD_LIBRARY_PATH=$libdir, or link with -Wl,-rpath,$libdir."
}

made=
count=0
filled=$(mktemp)
trap 'rm -f "$filled"' EXIT
for entry; do
    how=${entry%%:*} rest=${entry#*:}
    source=${rest%%:*} place=${rest#*:}
    case $action in
    install) put "$how" "$source" "$place" ;;
    uninstall) take_away "$place" ;;
    *) echo "install.sh: install or uninstall, not $action" >&2; exit 2 ;;
    esac
    count=$((count + 1))
done
echo "  $action: $count files below $DESTDIR$prefix"
if [ "$action" = install ] && [ -z "$DESTDIR" ] && [ "$(uname -s)" = Darwin ]; then
    install_name_tool -id "$libdir/$soname" "$libdir/$shared"
fi
linker
