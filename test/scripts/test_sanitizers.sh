#!/bin/sh
# The C tests once more under AddressSanitizer and UBSan, and those with threads under ThreadSanitizer.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build} CC=${CC:-cc} MAKE=${MAKE:-make}
echo 'int main(void) { return 0; }' >"$dir/nothing.c"
sanitize() { # TARGET, FLAG
    # shellcheck disable=SC2086
    if ! $CC "$2" "$dir/nothing.c" -o "$dir/nothing" 2>/dev/null || ! "$dir/nothing"; then
        skip "make $1" "$CC $2 does not work here"
    else
        try "make $1" "$MAKE" -j2 BUILD="$BUILD" "$1"
        tail -n 1 "$dir/try.log" | sed 's/^/# /'
    fi
}
sanitize asan -fsanitize=address,undefined
sanitize tsan -fsanitize=thread
finish
