#!/bin/sh
# Includes point one way.  `rooms` below is the table of what is allowed: a folder, and the folders that its files may
# include besides their own.  No circle between folders is a check of its own, which knows nothing of that table.  Both
# are tried on a copy of the tree's includes with a planted line, so that they are known to find one.
set -u
. test/scripts/tap.sh

# lib/api, lib/model and lib/session are the files of lib itself.  Others may see lib/limits.h, lib/image/exif.h, and
# layout.h, names.h, resnet50.h and utf8.h of lib/format (`tables`), without the rest of their folder, so these stand
# for themselves.
rooms='
include
lib/limits.h
lib/image/exif.h
lib/platform:           include
tables:                 include
lib/format:             include lib/platform tables
kernels:                include lib/platform
lib/layers:             include lib/platform lib/format kernels
lib/image:              lib/limits.h lib/platform lib/image/exif.h
lib/encoder:            lib/platform tables lib/format lib/layers
lib/decoder:            include lib/limits.h lib/platform lib/format lib/layers kernels
lib/explain:            include lib/layers lib/decoder kernels
lib:                    lib/limits.h lib/platform tables lib/format lib/layers lib/image lib/encoder lib/decoder lib/explain
tools/common:           include tables lib/image/exif.h
tools/source:           tools/common
tools/convert:          include lib/limits.h lib/platform tables tools/common tools/source
tools/eval:             include tables tools/common
tools/batch:            include tools/common
tools/draw:             tools/common
tools/page:
tools/demo:             include tools/common tools/draw tools/page
tools/dump:             include tools/common
tools/info:             include tables tools/common
tools/serve:            include tools/common
tools/web:              include
tools:                  include tables tools/common tools/batch tools/convert tools/eval tools/draw tools/demo tools/dump tools/info tools/serve
'

# TREE: a line "FROM TO FILE" for each include of the project's own files that leaves its folder
edges() {
    (cd "$1" && find include lib kernels tools -name '*.[ch]' -exec grep -nE '^ *# *include +["<]' /dev/null {} +) |
        awk '
        function room(path) {
            if (path ~ /^lib\/(limits|image\/exif)\.h$/) return path
            if (path ~ /^lib\/format\/(layout|names|resnet50|utf8)\.h$/) return "tables"
            if (path ~ /^(caption|capw)\.h$/ || path ~ /^include\//) return "include"
            if (path ~ /^kernels\//) return "kernels"
            sub(/\/[^\/]*$/, "", path)
            return path
        }
        {
            file = $0; sub(/:.*$/, "", file)
            to = $0; sub(/^[^"<]*["<]/, "", to); sub(/[">].*$/, "", to)
            if ($0 !~ /include +"/ && to !~ /^(caption|capw)\.h$|^(include|lib|kernels|tools|test|bench)\//) next
            if (to !~ /\// && to !~ /^(caption|capw)\.h$/) { up = file; sub(/[^\/]*$/, "", up); to = up to }
            if (room(file) != room(to)) print room(file), room(to), file
        }' | sort -u
}

# "FROM TO FILE" lines in; those that the table doesn't allow out
forbidden() {
    echo "$rooms" | awk '
        FNR == NR { from = $1; sub(/:$/, "", from); for (i = 2; i <= NF; i++) may[from, $i] = 1; next }
        !(($1, $2) in may) { print $3 " includes " $2 "/" }' - "$1"
}

# "FROM TO FILE" lines in; what the table allows and none of them does out
unused() {
    echo "$rooms" | awk '
        FNR == NR { used[$1, $2] = 1; next }
        { from = $1; sub(/:$/, "", from); for (i = 2; i <= NF; i++) if (!((from, $i) in used)) print from, $i }' "$1" -
}

# "FROM TO FILE" lines in.  Out comes what is left once folders that include nothing, or that nothing includes, are taken
# away again and again: the circles.
circles() {
    awk '
        { edge[$1 " " $2] = 1; node[$1] = node[$2] = 1 }
        END {
            do {
                gone = 0
                for (n in node) {
                    from = to = 0
                    for (e in edge) { split(e, p, " "); from += p[1] == n; to += p[2] == n }
                    if (from && to) continue
                    for (e in edge) { split(e, p, " "); if (p[1] == n || p[2] == n) delete edge[e] }
                    delete node[n]
                    gone = 1
                }
            } while (gone)
            for (e in edge) { split(e, p, " "); print p[1] " -> " p[2] }
        }' "$1" | sort
}

edges . >"$dir/edges"
none 'includes point one way' "$(forbidden "$dir/edges")"
none 'the table allows nothing that no file does' "$(unused "$dir/edges")"
none 'there is no circle between folders' "$(circles "$dir/edges")"
echo "$rooms" | sed 's/://' | awk '{ for (i = 2; i <= NF; i++) print $1, $i, "table" }' >"$dir/table"
none 'nor in the table' "$(circles "$dir/table")"
grep -v '^tools/source ' "$dir/edges" >"$dir/fewer"
try 'a row that no file needs is found' test "$(unused "$dir/fewer")" = 'tools/source tools/common'
try 'the includes were found at all' test "$(wc -l <"$dir/edges")" -gt 20

# ---- the same with planted lines ----

# FILE, INCLUDED: a copy of the tree's includes where FILE includes INCLUDED too, which has its quotes or brackets
plant() {
    rm -rf "$dir/tree"
    find include lib kernels tools -name '*.[ch]' | while read -r file; do
        mkdir -p "$dir/tree/$(dirname "$file")"
        grep -E '^ *# *include' "$file" >"$dir/tree/$file"
    done
    echo "#include $2" >>"$dir/tree/$1"
    edges "$dir/tree" >"$dir/planted"
}
plant lib/platform/arena.h '"lib/encoder/resnet.h"'
try 'a planted circle is found: lib/platform includes lib/encoder' \
    test -n "$(circles "$dir/planted" | grep '^lib/platform -> lib/encoder$')"
try 'and is against the table' \
    test -n "$(forbidden "$dir/planted" | grep '^lib/platform/arena.h includes lib/encoder/$')"
plant tools/common/cli.h '"tools/eval/run.h"'
try 'a planted circle is found: tools/common includes tools/eval' \
    test -n "$(circles "$dir/planted" | grep '^tools/common -> tools/eval$')"
plant lib/encoder/resnet.h '"lib/decoder/decoder.h"'
try 'lib/encoder and lib/decoder do not include each other' \
    test -n "$(forbidden "$dir/planted" | grep '^lib/encoder/resnet.h includes lib/decoder/$')"
plant lib/decoder/step.c '<lib/encoder/resnet.h>'
try 'in brackets neither' \
    test -n "$(forbidden "$dir/planted" | grep '^lib/decoder/step.c includes lib/encoder/$')"
plant tools/common/cli.h '"kernels/kernels.h"'
try 'tools do not include kernels' \
    test -n "$(forbidden "$dir/planted" | grep '^tools/common/cli.h includes kernels/$')"

# ---- other libraries ----

# NAME, PATTERN, FILES...
nowhere() {
    name=$1 pattern=$2
    shift 2
    none "$name" "$(grep -nE "^ *# *include *$pattern" "$@" /dev/null)"
}
list() { find "$@" -name '*.[ch]' | sort; }
# shellcheck disable=SC2046
{
nowhere 'cblas.h is seen by one file' '["<]cblas' $(list lib kernels tools | grep -v '^kernels/gemm/openblas.c$')
nowhere 'jpeglib.h and png.h are seen by lib/image, and where pictures are written' '["<](jpeglib|png)\.h' \
    $(list lib kernels tools | grep -vE '^lib/image/|^tools/draw/encode_(jpeg|png).c$')
nowhere 'libraries of other pictures are seen by one file each' '["<](webp/|libheif/|gif_lib|tiff|leptonica/)' \
    $(list lib kernels tools | grep -vE '^tools/common/picture_(webp|heif|gif|tiff|bmp).c$')
nowhere 'microhttpd.h is seen by http*.c of tools/serve' '["<]microhttpd' \
    $(list lib kernels tools | grep -v '^tools/serve/http')
nowhere 'the library does not write to a log' '["<]syslog' $(list lib kernels)
}
finish
