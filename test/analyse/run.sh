#!/bin/sh
# `make analyse`: gcc -fanalyzer, cppcheck and clang-tidy over the library and the tools.  A finding that accepted.txt
# doesn't list fails, and so does a line of it that nothing needs any more.
#     sh test/analyse/run.sh [gcc] [cppcheck] [tidy]
# FLAGS: the build's -D and -I, quoted for a shell.  JOBS: how many run at once.
set -u
. test/scripts/tap.sh
: "${GCC:=gcc}" "${CPPCHECK:=cppcheck}" "${TIDY:=clang-tidy}" "${FLAGS:=-Iinclude -I.}"
: "${JOBS:=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}"
accepted=test/analyse/accepted.txt
eval "set -- $FLAGS -- ${*:-gcc cppcheck tidy}" # the flags hold quotes, which eval takes away
flags=
while [ "$1" != -- ]; do flags="$flags $1" && shift; done
shift
# what is compiled for other machines alone is left out
find lib kernels tools -name '*.c' | grep -v '^kernels/mve/\|^tools/web/' | sort >"$dir/all"
grep -v '^kernels/simd/' "$dir/all" >"$dir/plain"
case $(uname -m) in
x86_64 | amd64) body='-mavx2 -mfma -DCPTK_ISA=avx2' ;;
aarch64 | arm64) body='-DCPTK_ISA=neon' ;;
*) body= ;;
esac

# LOG: "FILE CHECK" of each finding, in the one form that all three are told to print
findings() {
    sed "s|^$PWD/||; s|^\./||" "$1" |
        sed -n 's/^\([a-z][A-Za-z0-9_./-]*\):[0-9]*:[0-9]*: \(warning\|error\|portability\|performance\): .*\[\([^][ ]*\)\]$/\1 \3/p' |
        sort -u
}

# TOOL, LOG: held against the list
judge() {
    findings "$2" >"$dir/found"
    awk -v tool="$1" '$1 == tool { print $2, $3 }' "$accepted" | sort -u >"$dir/listed"
    new=$(comm -23 "$dir/found" "$dir/listed")
    none "$1 finds nothing new" "${new:+$new
$(grep -E ': (fatal error|warning|error|portability|performance): ' "$2" | sort -u)}"
    none "$1: every line of $accepted is needed" "$(comm -13 "$dir/found" "$dir/listed")"
}

# A file with a mistake that each of them has to find: otherwise silence would mean nothing.
planted() {
    cat >"$dir/planted.c" <<'C'
#include <stdlib.h>
int planted(void);
int planted(void)
{
    int *p = malloc(sizeof *p);
    if (!p) return 1;
    free(p);
    *p += 1;
    return *p;
}
C
    try "$1 finds a planted mistake" sh -c "$2 '$dir/planted.c' 2>&1 | grep -E '(use-after-free|deallocuse|unix.Malloc)'"
}

run_gcc() {
    echo 'int x;' | $GCC -fanalyzer -x c -c -o "$dir/x.o" - 2>/dev/null || { skip 'gcc -fanalyzer' 'no such gcc'; return; }
    planted gcc "$GCC -O2 -fanalyzer -c -o $dir/x.o"
    if [ -n "$body" ]; then cat "$dir/all"; else cat "$dir/plain"; fi >"$dir/files"
    # shellcheck disable=SC2016
    xargs -P "$JOBS" -n 1 sh -c '
        case $1 in kernels/simd/*) set -- $BODY "$1" ;; esac
        eval "set -- $FLAGS \"\$@\""
        $GCC -std=c11 -O2 -ffp-contract=off -fanalyzer -c -o /dev/null "$@" >>"$LOGS/gcc.$$" 2>&1' sh <"$dir/files"
    cat "$LOGS"/gcc.* >"$dir/gcc"
    judge gcc "$dir/gcc"
}

run_cppcheck() {
    have "${CPPCHECK%% *}" || { skip cppcheck 'no cppcheck'; return; }
    planted cppcheck "$CPPCHECK -q"
    # shellcheck disable=SC2086
    xargs $CPPCHECK -j "$JOBS" -q --std=c11 --enable=warning,performance,portability $flags \
        --template='{file}:{line}:{column}: {severity}: {message} [{id}]' <"$dir/plain" >"$dir/cppcheck" 2>&1
    judge cppcheck "$dir/cppcheck"
}

run_tidy() {
    have "${TIDY%% *}" || { skip clang-tidy 'no clang-tidy'; return; }
    planted tidy "$TIDY --config-file=test/analyse/clang-tidy.yml --quiet"
    # A function is followed for this many steps.  The usual number, 225000, takes five times as long.  One file at a
    # time: clang-analyzer-valist is wrong about all files but the first (clang-tidy 14).
    # shellcheck disable=SC2016
    xargs -P "$JOBS" -n 1 sh -c '$TIDY --quiet --config-file=test/analyse/clang-tidy.yml \
        --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=40000 \
        "$@" -- -std=c11 '"$flags"' >>"$LOGS/tidy.$$" 2>&1' sh <"$dir/plain"
    cat "$LOGS"/tidy.* >"$dir/tidy"
    judge tidy "$dir/tidy"
}

mkdir "$dir/logs" # one for each process: lines of several in one file would mix
export GCC TIDY FLAGS
export BODY="$body" LOGS="$dir/logs"
for tool; do
    case $tool in
    gcc) run_gcc ;;
    cppcheck) run_cppcheck ;;
    tidy) run_tidy ;;
    *) try "there is an analyser called $tool" false ;;
    esac
done
finish
