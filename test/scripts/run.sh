#!/bin/sh
# Runs test programs and scripts, prints a line for each and the totals:
#     sh test/scripts/run.sh PROGRAM...
# A program that speaks TAP (cmocka does, when asked) is counted test by test, any other as one test: exit code 0 is
# passed, 77 skipped, else failed.  V=1 shows all output; that of a failing program is always shown.  RUNNER is put
# before each program (valgrind, say).  The last line is "N passed, N failed, N skipped".
set -u
CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
passed=0 failed=0 skipped=0

for program; do
    name=$(basename "$program")
    case $program in
    *.sh) sh "$program" >"$log" 2>&1 ;;
    *) ${RUNNER:-} "$program" >"$log" 2>&1 ;;
    esac
    rc=$?
    s=$(grep -cE '^(not )?ok.*# (SKIP|skip)' "$log")
    f=$(grep -E '^not ok' "$log" | grep -cvE '# (SKIP|skip)')
    p=$(grep -E '^ok' "$log" | grep -cvE '# (SKIP|skip)')
    if [ $((p + f + s)) = 0 ]; then
        case $rc in
        0) p=1 ;;
        77) s=1 ;;
        *) f=1 ;;
        esac
    elif [ $rc != 0 ] && [ "$f" = 0 ]; then
        f=1 # it crashed, or a leak was found at its end
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    line=$(printf '%-28s %4d passed' "$name" "$p")
    [ "$f" = 0 ] || line="$line, $f FAILED (exit code $rc)"
    [ "$s" = 0 ] || line="$line, $s skipped"
    echo "$line"
    if [ "$f" != 0 ] || [ "${V:-0}" = 1 ]; then
        sed 's/^/    /' "$log"
    else
        grep -iE '^(skip|skipped|warning): ' "$log" | sed 's/^/    /'
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
