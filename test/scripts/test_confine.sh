#!/bin/sh
# Runs every tool with a library that tries, when the tool ends, what a confined tool must not be able to do
# (tries.c).  What the tool is for still works: its own output is there.
set -u
BUILD=${BUILD:-build} CC=${CC:-cc}
. test/scripts/tap.sh
grep -q 'WAS_SECCOMP := 1' "$BUILD/config.mk" || { skip 'confined tools' 'this build has SECCOMP=0'; finish; }
# shellcheck disable=SC2086
$CC -shared -fPIC -o "$dir/tries.so" test/scripts/tries.c 2>"$dir/log" || {
    skip 'confined tools' "no shared library: $(head -n 1 "$dir/log")"
    finish
}
mkdir "$dir/in" "$dir/out" "$dir/other"
"$BUILD/test/programs/make_demo" "$dir/in/model.capw" "$dir/in/a.jpg"
"$BUILD/test/programs/make_checkpoint" "$dir/in"
printf 'image,caption\na.jpg,a dog\n' >"$dir/in/captions.txt"
printf 'a.jpg\ta dog\n' >"$dir/in/predictions.txt"

# shellcheck disable=SC2317 # `confined` calls these
run() { env LD_PRELOAD="$dir/tries.so" TRIES_FOLDER="$dir/other" "$@"; }

# COMMAND...: a service, which is asked once and ended
# shellcheck disable=SC2317
serve() {
    : >"$dir/served"
    env LD_PRELOAD="$dir/tries.so" TRIES_FOLDER="$dir/other" "$@" 2>>"$dir/served" &
    pid=$! tries=0
    while ! grep -q 'on http' "$dir/served" && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    curl -s -m 60 -F file=@"$dir/in/a.jpg" "$(sed -n 's|.* on \(http://.*/\)$|\1caption|p' "$dir/served")" >"$dir/out/served"
    kill "$pid"
    wait "$pid"
    code=$?
    cat "$dir/served"
    return "$code"
}

# NAME, OUTPUT, COMMAND...: the command succeeds, writes OUTPUT, and can do nothing else
confined() {
    tool=$1 output=$2
    shift 2
    : >"$dir/other/there"
    try "$tool runs" "${runner:-run}" "$@"
    grep '^tries: ' "$dir/try.log" >"$dir/tries.log"
    if grep -q 'process: could' "$dir/tries.log"; then
        skip "$tool: calls are refused" 'this kernel has no seccomp'
    else
        none "$tool: calls are refused" "$(grep -E '(mode|socket|process|program): could' "$dir/tries.log")"
    fi
    if grep -q 'write: could' "$dir/tries.log"; then
        skip "$tool: files are safe" 'this kernel has no Landlock'
    else
        none "$tool: files are safe" "$(grep -E '(write|change|remove): could' "$dir/tries.log")"
    fi
    none "$tool: everything was tried" "$([ "$(wc -l <"$dir/tries.log")" = 8 ] || cat "$dir/tries.log")"
    try "$tool: reading stays" grep -q 'read: could' "$dir/tries.log"
    try "$tool: its output is there" test -s "$output"
}

confined capdemo "$dir/out/captions" "$BUILD/capdemo" -m "$dir/in/model.capw" -o "$dir/out/captions" "$dir/in/a.jpg"
confined capbatch "$dir/out/batch" "$BUILD/capbatch" -m "$dir/in/model.capw" -o "$dir/out/batch" "$dir/in/a.jpg"
confined capinfo "$dir/out/info" "$BUILD/capinfo" --json -o "$dir/out/info" "$dir/in/model.capw"
confined capdump "$dir/out/dump/a.jpg.json" "$BUILD/capdump" -m "$dir/in/model.capw" "$dir/in/a.jpg" "$dir/out/dump"
confined capconvert "$dir/out/new.capw" "$BUILD/capconvert" "$dir/in/attention_gru_glove.pth" \
    --vocab "$dir/in/vocab.pkl" -o "$dir/out/new.capw"
confined 'capeval score' "$dir/out/metrics" "$BUILD/capeval" score -o "$dir/out/metrics" \
    --refs "$dir/in/captions.txt" "$dir/in/predictions.txt"
confined 'capeval run' "$dir/out/run" "$BUILD/capeval" run -m "$dir/in/model.capw" -o "$dir/out/run" \
    --images "$dir/in" --refs "$dir/in/captions.txt"
if [ -x "$BUILD/capserve" ] && have curl; then
    runner=serve
    confined capserve "$dir/out/served" "$BUILD/capserve" -m "$dir/in/model.capw" --listen 127.0.0.1:0
    try 'capserve: it captioned' grep -q '"caption":' "$dir/out/served"
else
    skip 'a confined capserve' 'this build has HTTP=0, or there is no curl'
fi
finish
