#!/bin/sh
# What the library defines and uses: names begin with caption_, cpt_ or cptk_; nothing is mutable; it never
# prints, exits or asserts; the shared library exports caption_ alone.
set -u
BUILD=${BUILD:-build} NM=${NM:-nm}
lib=$BUILD/libcaption.a
status=0
say() { # NAME, OFFENDERS
    if [ -z "$2" ]; then echo "ok - $1"; else
        echo "not ok - $1"
        echo "$2" | sed 's/^/# /'
        status=1
    fi
}
[ -f "$lib" ] || { echo "not ok - $lib was not built"; exit 1; }
case $(uname -s) in Linux) ;; *) echo 'ok - symbols # SKIP ELF only'; exit 0 ;; esac

say 'names that other files see begin with caption_, cpt_ or cptk_' \
    "$($NM -g --defined-only "$lib" | awk 'NF == 3 && $3 !~ /^(caption_|cpt_|cptk_)/ {print $3}')"
say 'no variable that could change' \
    "$(objdump -t "$lib" | awk '/ O / && $0 ~ /[ \t](\.data|\.bss|\.tbss|\.tdata|\*COM\*)(\.[A-Za-z0-9_]+)?[ \t]/ \
        && $0 !~ /\.data\.rel\.ro/')"
say 'never prints, exits or asserts' \
    "$($NM -u "$lib" | awk '$1 == "U" {print $2}' | sort -u |
        grep -xE '(v?f?printf|puts|putchar|fputs|fputc|fwrite|perror|exit|_exit|abort|__assert_fail|getenv|setlocale)')"
so=$BUILD/libcaption.so
[ -f "$so" ] && say 'the shared library exports caption_ alone' \
    "$($NM -D --defined-only "$so" | awk 'NF == 3 && $3 !~ /^caption_/ {print $3}')"
exit $status
