#!/bin/sh
# The programs in docs/examples build against an installed copy, as strict C99, and find the caption that capdemo
# finds.
set -u
BUILD=${BUILD:-build} CC=${CC:-cc} MAKE=${MAKE:-make} PKG_CONFIG=${PKG_CONFIG:-pkg-config}
model=weights/scenes.capw pictures=weights/scenes/demo
status=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
try() { # NAME, COMMAND...
    name=$1
    shift
    if "$@" >"$dir/log" 2>&1; then echo "ok - $name"; else
        echo "not ok - $name"
        sed 's/^/# /' "$dir/log"
        status=1
    fi
}
same() { # NAME, EXPECTED TEXT, TEXT
    if [ "$2" = "$3" ]; then echo "ok - $1"; else
        echo "not ok - $1"
        printf 'wanted: %s\ngot: %s\n' "$2" "$3" | sed 's/^/# /'
        status=1
    fi
}
if ! [ -f $model ] || ! [ -d $pictures ]; then
    echo 'ok - examples # SKIP no bundled model'
    exit 0
fi
# shellcheck disable=SC2086 # a command and its arguments
try 'install' $MAKE -s BUILD="$BUILD" PREFIX="$dir/prefix" DESTDIR= install
export PKG_CONFIG_PATH="$dir/prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export LD_LIBRARY_PATH="$dir/prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
for source in docs/examples/*.c; do
    program=$(basename "$source" .c)
    # shellcheck disable=SC2046
    try "$program builds" "$CC" -std=c99 -Wall -Wextra -Werror "$source" -o "$dir/$program" \
        $($PKG_CONFIG --cflags --libs libcaption)
    grep -qF "    cc $program.c -o $program \$(pkg-config --cflags --libs libcaption)" "$source" ||
        { echo "not ok - $program says how to build it"; status=1; }
done

set -- $pictures/*.jpg
one=$1 two=$2
demo="$dir/prefix/bin/capdemo"
caption=$("$demo" -m $model "$one" 2>/dev/null)
try 'capdemo says something' test -n "$caption"
run() { "$dir/$1" $model "$one" 2>&1; }
same 'file' "$caption" "$(run file)"
same 'memory, twice' "$caption
$caption" "$(run memory)"
same 'camera: the first frame' "0: $caption" "$(run camera | sed -n 1p)"
same 'camera: three frames' 3 "$(run camera | grep -c '^[0-2]: [a-z]')"
same 'no_heap' "$caption" "$(run no_heap)"
same 'batch, with a file that is none' "$("$demo" -m $model "$one" "$two" 2>/dev/null)" \
    "$("$dir/batch" $model "$one" Makefile "$two" 2>/dev/null)"
same 'batch, more than fit at once' "$("$demo" -m $model "$@" 2>/dev/null)" "$("$dir/batch" $model "$@" 2>&1)"
same 'attention: the best caption' "$caption" "$(run attention | sed -n '1s/^-[0-9.]* //p')"
same 'attention: three captions' 3 "$(run attention | grep -c '^-[0-9]*\.[0-9]* [a-z]')"
# a word, then a map of 7 rows of 7 characters, for every token of the caption and <end>
words=$(echo "$caption" | wc -w)
same 'attention: a map for every word' $(((words + 1) * 7)) "$(run attention | grep -c '^[ .:=+*#%@-]\{7\}$')"
for name in file memory camera batch attention no_heap; do
    if "$dir/$name" /nonexistent.capw "$one" >"$dir/out" 2>&1 || [ $? -ge 126 ]; then
        echo "not ok - $name fails without a model"
        status=1
    else
        echo "ok - $name fails without a model"
    fi
done
exit $status
