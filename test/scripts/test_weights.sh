#!/bin/sh
# `make weights` against a server of our own: cut connections, servers without ranges, web pages instead of files.  The
# user's folder of weights is never touched.
set -u
BUILD=${BUILD:-build} MAKE=${MAKE:-make}
skip() {
    echo "skipped: $1"
    echo "ok - make weights # SKIP $1"
    exit 0
}
command -v python3 >/dev/null 2>&1 || skip 'there is no python3 to serve files'
tools=
for tool in curl wget; do
    if command -v $tool >/dev/null 2>&1; then tools="$tools $tool"; fi
done
[ -n "$tools" ] || skip 'there is neither curl nor wget'

dir=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
status=0
try() { # NAME, COMMAND...
    name=$1
    shift
    if "$@" >"$dir/log" 2>&1; then echo "ok - $name"; else
        echo "not ok - $name"
        sed 's/^/# /' "$dir/log" "$dir/out" 2>/dev/null
        status=1
    fi
}
# refuses NAME PATTERN COMMAND...: the command fails and its message has the pattern
refuses() {
    name=$1 pattern=$2
    shift 2
    if "$@" >"$dir/out" 2>&1; then echo 'it went well' >>"$dir/out"; else
        try "$name" grep -q -e "$pattern" "$dir/out"
        return
    fi
    try "$name" false
}

mkdir "$dir/served"
[ -x "$BUILD/test/programs/make_checkpoint" ] ||
    try 'make_checkpoint builds' "$MAKE" -s BUILD="$BUILD" "$BUILD/test/programs/make_checkpoint"
try 'a checkpoint' "$BUILD/test/programs/make_checkpoint" "$dir/served"
: >"$dir/requests"
no_proxy=127.0.0.1
export no_proxy PAUSE=0
unset IMAGE WEIGHTS_URL WEIGHTS_DIR FETCH
python3 test/scripts/serve_folder.py "$dir/served" "$dir/port" "$dir/requests" 2>"$dir/server" &
server=$!
waited=0
while [ ! -f "$dir/port" ] && [ $waited -lt 50 ]; do
    sleep 0.2
    waited=$((waited + 1))
done
[ -f "$dir/port" ] || { sed 's/^/# /' "$dir/server"; echo 'not ok - the server starts'; exit 1; }
url=http://127.0.0.1:$(cat "$dir/port")
picture="$dir/it's a photo.jpg"
cp test/vectors/a.jpg "$picture"

# get TOOL MANNER FOLDER: tools/fetch.sh by itself, from the server's folder MANNER
get() { FETCH=$1 WEIGHTS_URL=$url/$2 WEIGHTS_DIR=$dir/$3 BUILD=$BUILD sh tools/fetch.sh; }
# make_weights TOOL MANNER FOLDER
make_weights() {
    $MAKE -s BUILD="$BUILD" FETCH="$1" WEIGHTS_URL="$url/$2/" WEIGHTS_DIR="$dir/$3" IMAGE="$picture" weights
}
# shellcheck disable=SC2317 # called through `try`
same_files() { for f in "$dir"/served/*; do cmp "$f" "$1/${f##*/}" || return 1; done; }

for tool in $tools; do
    : >"$dir/requests"
    make_weights "$tool" "cut/$tool" "by-$tool" >"$dir/out" 2>&1
    try "$tool: make weights ends well" test $? = 0
    try "$tool: ... with a caption" sh -c "tail -n 1 '$dir/out' | grep -q 'w[0-9]'"
    half=$(awk '$1 ~ /\.pth$/ && $2 == 200 {print $4}' "$dir/requests")
    try "$tool: the connection was cut" test "$half" -gt 0
    try "$tool: ... and the rest fetched from there" \
        grep -q "attention_gru_glove.pth 206 $half " "$dir/requests"
    try "$tool: the files are the server's" same_files "$dir/by-$tool"
    try "$tool: no part is left" test -z "$(find "$dir/by-$tool" -name '*.part')"
    : >"$dir/requests"
    make_weights "$tool" "cut/$tool" "by-$tool" >"$dir/out" 2>&1
    try "$tool: again, with a caption" sh -c "tail -n 1 '$dir/out' | grep -q 'w[0-9]'"
    try "$tool: ... and nothing was fetched" test ! -s "$dir/requests"

    get "$tool" "whole/$tool" "whole-$tool" >"$dir/out" 2>&1
    try "$tool: a server without ranges" test $? = 0
    try "$tool: ... that was cut too" grep -q "whole/.*pth 200 0 $half$" "$dir/requests"
    try "$tool: ... has the same files" same_files "$dir/whole-$tool"

    mkdir "$dir/rest-$tool"
    head -c 1000 "$dir/served/attention_gru_glove.pth" >"$dir/rest-$tool/attention_gru_glove.pth.part"
    cp "$dir/served/vocab.pkl" "$dir/rest-$tool/vocab.pkl.part"
    : >"$dir/requests"
    get "$tool" plain "rest-$tool" >"$dir/out" 2>&1
    try "$tool: an interrupted run goes on" grep -q 'pth 206 1000 ' "$dir/requests"
    try "$tool: ... a complete part is not fetched again" sh -c "! grep -q vocab.pkl '$dir/requests'"
    try "$tool: ... with the same files" same_files "$dir/rest-$tool"

    get "$tool" few "few-$tool" >"$dir/out" 2>&1
    try "$tool: without the JSON files" test $? = 0
    refuses "$tool: nothing there" 'vocab.pkl: the server answered 404' get "$tool" none "none-$tool"
    refuses "$tool: a web page" 'vocab.pkl: the server sent a web page' get "$tool" page "page-$tool"
    refuses "$tool: more than fits" 'MB are needed, [0-9]* MB are free' get "$tool" huge "huge-$tool"
    refuses "$tool: no connection" 'no connection' env FETCH="$tool" WEIGHTS_URL=http://127.0.0.1:1 \
        WEIGHTS_DIR="$dir/x" BUILD="$BUILD" sh tools/fetch.sh
done
refuses 'a picture that is not there' 'nowhere.jpg: no such picture' env IMAGE=nowhere.jpg WEIGHTS_URL="$url/none" \
    WEIGHTS_DIR="$dir/x" BUILD="$BUILD" sh tools/fetch.sh
refuses 'neither curl nor wget' 'neither curl nor wget is installed' env PATH="$dir/nothing" BUILD="$BUILD" \
    WEIGHTS_DIR="$dir/x" "$(command -v sh)" tools/fetch.sh
exit $status
