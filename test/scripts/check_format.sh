#!/bin/sh
# Formatting as .clang-format says, where clang-format is there.
set -u
format=${CLANG_FORMAT:-clang-format}
command -v "$format" >/dev/null 2>&1 || { echo 'ok - formatting # SKIP no clang-format'; exit 0; }
files=$(find include lib kernels tools test bench -name '*.[ch]' | sort)
# shellcheck disable=SC2086
if $format --dry-run -Werror $files 2>/tmp/format.$$; then echo 'ok - formatting'; rm -f /tmp/format.$$; else
    echo 'not ok - formatting: run clang-format -i'
    sed -n 's/^\([^ :]*\.[ch]\):[0-9].*/# \1/p' /tmp/format.$$ | sort -u
    rm -f /tmp/format.$$
    exit 1
fi
