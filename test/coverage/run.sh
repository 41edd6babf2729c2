#!/bin/sh
# Runs the tests of a build that counts (make coverage), and says which lines and branches they reached:
#     sh test/coverage/run.sh can           prints why that can't be done here; nothing where it can
#     sh test/coverage/run.sh PROGRAM...    BUILD is the folder of the build
# A branch is each way that a condition can go: `a && b` has two conditions and four branches, as gcov counts them.
# excluded.txt holds what is not counted.  Too few lines or branches are a failure; so is a failed test.
set -u
LINES=97 BRANCHES=90 FILE_LINES=85 # percent: of all files, of all files, of each file
GCOV=${GCOV:-gcov} CC=${CC:-cc}

if [ "${1:-}" = can ]; then
    command -v gcovr >/dev/null 2>&1 || { echo 'there is no gcovr'; exit 0; }
    command -v "$GCOV" >/dev/null 2>&1 || { echo "there is no $GCOV"; exit 0; }
    $CC --version 2>/dev/null | grep -qi clang && echo "$CC is clang: gcov reads the counts of gcc"
    exit 0
fi

# what processes say that can't write their counts, which some tests see to
GCOV_ERROR_FILE=/dev/null
export GCOV_ERROR_FILE
find "$BUILD" -name '*.gcda' -exec rm -f {} +
failed=0
sh test/scripts/run.sh "$@" test/scripts/test_corpora.sh || failed=1

report=$BUILD/report
rm -rf "$report"
mkdir -p "$report"
excluded=$(sed -n -e 's/^\([^#/ ][^ ]*\) .*/--exclude \1$/p' test/coverage/excluded.txt)
lines=$(sed -n 's,^/\([^ ]*\)/ .*,\1,p' test/coverage/excluded.txt | paste -s -d '|' -)
# shellcheck disable=SC2086
gcovr --root . --gcov-executable "$GCOV" --filter 'lib/' --filter 'kernels/' --filter 'tools/' $excluded \
    --exclude-lines-by-pattern ".*($lines)" --exclude-branches-by-pattern ".*($lines)" \
    --csv "$report/coverage.csv" --html-details "$report/index.html" "$BUILD/lib" "$BUILD/kernels" "$BUILD/tools" \
    "$BUILD/test/mains" 2>"$report/log" || { tail -n 20 "$report/log"; exit 1; }

# coverage.csv: file, lines, lines reached, their part, branches, branches reached, ...
sort -t , -k 4,4n -k 1,1 "$report/coverage.csv" | awk -F , \
    -v lines=$LINES -v branches=$BRANCHES -v file_lines=$FILE_LINES '
    function percent(part, whole) { return whole ? 100 * part / whole : 100 }
    function row(name, l, lr, b, br) { printf "%-40s %5d of %5d %6.2f   %5d of %5d %6.2f\n", name, lr, l,
        percent(lr, l), br, b, percent(br, b) }
    BEGIN { printf "%-40s %22s   %22s\n", "file", "lines reached, %", "branches reached, %" }
    $1 == "filename" || $2 == 0 { next }
    {
        row($1, $2, $3, $5, $6)
        L += $2; LR += $3; B += $5; BR += $6
        if (percent($3, $2) < file_lines) low[++n] = $1
    }
    END {
        row("all", L, LR, B, BR)
        for (i = 1; i <= n; i++) print "coverage: " low[i] ": under " file_lines " % of its lines"
        if (percent(LR, L) < lines) print "coverage: under " lines " % of lines"
        if (percent(BR, B) < branches) print "coverage: under " branches " % of branches"
        exit n || percent(LR, L) < lines || percent(BR, B) < branches
    }' >"$report/coverage.txt" || failed=1
cat "$report/coverage.txt"
echo "the lines themselves: $report/index.html"
exit $failed
