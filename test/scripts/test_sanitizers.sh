#!/bin/sh
# The C tests once more under AddressSanitizer and UBSan, and those with threads under ThreadSanitizer.
set -u
BUILD=${BUILD:-build} CC=${CC:-cc} MAKE=${MAKE:-make}
status=0
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.c" "$log.out"' EXIT
mv "$log" "$log.c" && echo 'int main(void) { return 0; }' >"$log.c"
try() { # TARGET, FLAGS
    if ! "$CC" $2 "$log.c" -o "$log.out" 2>/dev/null || ! "$log.out"; then
        echo "ok - make $1 # SKIP $CC $2 does not work here"
    elif $MAKE -j2 BUILD="$BUILD" CC="$CC" "$1" >"$log" 2>&1; then
        echo "ok - make $1: $(tail -n 1 "$log")"
    else
        echo "not ok - make $1"
        grep -vE '^ +(CC|AR|LD) ' "$log" | tail -n 60 | sed 's/^/# /'
        status=1
    fi
}
try asan -fsanitize=address,undefined
try tsan -fsanitize=thread
exit $status
