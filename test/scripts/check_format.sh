#!/bin/sh
# Formatting as .clang-format says, where clang-format is there.
set -u
. test/scripts/tap.sh
format=${CLANG_FORMAT:-clang-format}
have "$format" || { skip formatting "no $format"; finish; }
find include lib kernels tools test bench docs -name '*.[ch]' | sort >"$dir/files"
# shellcheck disable=SC2046
"$format" --dry-run -Werror $(cat "$dir/files") 2>"$dir/log" || echo "$format failed" >>"$dir/log"
none 'formatting (else run clang-format -i)' \
    "$(sed -n 's/^\([^ :]*\.[ch]\):[0-9].*/\1/p; / failed$/p' "$dir/log" | sort -u)"
finish
