#!/bin/sh
# What the library defines and uses: names begin with caption_, cpt_ or cptk_; nothing is mutable; it never prints,
# exits or asserts.  The shared library shows the functions of caption.h, with their version, and nothing else.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build} NM=${NM:-nm} VERSION=${VERSION:?}
lib=$BUILD/libcaption.a
[ -f "$lib" ] || { echo "not ok - $lib was not built"; exit 1; }
case $(uname -s) in Linux) ;; *) skip symbols 'ELF only'; finish ;; esac

none 'names that other files see begin with caption_, cpt_ or cptk_' \
    "$($NM -g --defined-only "$lib" | awk 'NF == 3 && $3 !~ /^(caption_|cpt_|cptk_)/ {print $3}')"
none 'no variable that could change' \
    "$(objdump -t "$lib" | awk '/ O / && $0 ~ /[ \t](\.data|\.bss|\.tbss|\.tdata|\*COM\*)(\.[A-Za-z0-9_]+)?[ \t]/ \
        && $0 !~ /\.data\.rel\.ro/')"
none 'never prints, exits or asserts' \
    "$($NM -u "$lib" | awk '$1 == "U" {print $2}' | sort -u |
        grep -xE '(v?f?printf|puts|putchar|fputs|fputc|fwrite|perror|exit|_exit|abort|__assert_fail|getenv|setlocale)')"

so=$BUILD/libcaption.so
if [ -f "$so" ] && have readelf; then
    awk -f tools/packaging/man.awk -v list=exported include/caption.h |
        sed "s/\$/@@LIBCAPTION_${VERSION%%.*}/" | sort >"$dir/declared"
    readelf -W --dyn-syms "$so" |
        awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $7 != "ABS" && $8 != "" { print $8 }' | sort >"$dir/exported"
    none 'the shared library shows the functions of caption.h, with their version, and nothing else' \
        "$(diff "$dir/declared" "$dir/exported")"
    try 'and there are some' test -s "$dir/exported"
else
    skip 'what the shared library shows' 'no shared library or no readelf'
fi
finish
