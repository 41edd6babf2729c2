#!/bin/sh
# The service from the outside: its answers beside those of capdemo, errors, load, signals, and requests that no honest
# client sends.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
capserve=$BUILD/capserve
picture=weights/scenes/demo/scene_2035_000001.jpg other=weights/scenes/demo/scene_2035_000002.jpg
[ -x "$capserve" ] || { skip 'the service' 'this build has HTTP=0'; finish; }
have curl || { skip 'the service' 'no curl'; finish; }
if ! grep -q 'WAS_BUNDLED := ..*' "$BUILD/config.mk" || [ ! -f $picture ]; then skip 'the service' 'no bundled model'; finish; fi
unset CAPTION_MODEL http_proxy
trap 'stop; rm -rf "$dir"' EXIT
pid='' url=''

# PATTERN, COMMAND...: waits until the command prints the pattern
until_said() {
    pattern=$1 tries=0
    shift
    while ! "$@" | grep -q "$pattern" && [ $tries -lt 200 ]; do sleep 0.1; tries=$((tries + 1)); done
}
# OPTIONS...: starts the service on a free port and sets $url
start() {
    : >"$dir/log"
    "$capserve" --grace 300 --listen 127.0.0.1:0 "$@" 2>>"$dir/log" &
    pid=$!
    until_said 'on http://' cat "$dir/log"
    url=$(sed -n 's|.* on \(http://.*\)/$|\1|p' "$dir/log")
}
# ends it and returns its exit code
stop() {
    [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    code=$? pid=''
    return $code
}
ask() { curl -s -m 300 "$@"; }
status() { curl -s -m 300 -o "$dir/body" -w '%{http_code}' "$@"; }
headers() { curl -s -m 300 -D - -o /dev/null "$@" | tr -d '\r'; }
is() { # NAME, WANTED, SEEN
    none "$1" "$([ "$2" = "$3" ] || echo "wanted $2, have $3")"
}
# JSON of capdemo on standard input: what the service answers to the same
as_service() {
    python3 -c '
import json, sys
line, width = json.load(sys.stdin), int(sys.argv[1])
print(json.dumps({"caption": line["caption"], "method": "beam", "beam_width": width,
    "confidence": round(line["confidence"], 4),
    "alternatives": [{"caption": b["caption"], "score": round(b["score"], 4)} for b in line["beams"]]},
    separators=(",", ":")))' "$1"
}

start
is 'it says where it answers' 1 "$(grep -c 'capserve: bundled model: on http://127.0.0.1:' "$dir/log")"

# ---- answers ----
if have python3; then
    for image in $picture $other; do
        for width in 1 3 5; do
            "$BUILD/capdemo" -q --json --beams $width "$image" | as_service $width >"$dir/wanted"
            { ask -F file=@"$image" "$url/caption?beam_width=$width"; echo; } >"$dir/seen"
            none "$image with $width beams: the bytes of capdemo --json, rounded" "$(diff "$dir/wanted" "$dir/seen")"
        done
    done
    ask --data-binary @$picture -H 'Content-Type: image/jpeg' "$url/caption?max_len=4" >"$dir/seen"
    "$BUILD/capdemo" -q --json --max-len 4 $picture | as_service 5 | tr -d '\n' >"$dir/wanted"
    none 'a body that is a picture, max_len' "$(cmp "$dir/wanted" "$dir/seen" 2>&1)"
    ask -F file=@$picture "$url/caption/attention" | python3 -c '
import json, sys
a = json.load(sys.stdin)
assert list(a) == ["caption", "tokens", "attention", "grid_shape"], list(a)
assert a["caption"].split() == a["tokens"]
assert a["grid_shape"][0] * a["grid_shape"][1] == len(a["attention"][0])
assert len(a["attention"]) == len(a["tokens"]) and all(abs(sum(r) - 1) < 1e-5 for r in a["attention"])
print(a["caption"])' >"$dir/seen" 2>"$dir/try.log"
    is 'the attention of a greedy caption' "$("$BUILD/capdemo" -q --greedy $picture)" "$(cat "$dir/seen")"
    for map in attention gradcam occlusion; do
        { ask -F file=@$picture "$url/caption/explain?beam_width=3&map=$map"; echo; } >"$dir/why"
        { ask -F file=@$picture "$url/caption?beam_width=3"; echo; } >"$dir/plain"
        python3 - "$dir/why" "$dir/plain" $map >"$dir/seen" 2>&1 <<'PY'
import json, sys
why, plain = (json.load(open(path)) for path in sys.argv[1:3])
assert list(why) == [*plain, "map", "tokens", "maps", "grid_shape"], list(why)
assert all(why[key] == plain[key] for key in plain) and why["map"] == sys.argv[3]
assert why["caption"].split() == why["tokens"] and len(why["maps"]) == len(why["tokens"])
cells = why["grid_shape"][0] * why["grid_shape"][1]
assert all(len(row) == cells and max(row) > min(row) for row in why["maps"])
low = min(min(row) for row in why["maps"])
assert low < 0 if sys.argv[3] == "occlusion" else low >= 0, low
PY
        none "a map for each word: $map" "$(cat "$dir/seen")"
    done
    ask -F file=@$picture -F file=@Makefile -F file=@$other "$url/caption" | python3 -c '
import json, sys
r = json.load(sys.stdin)["results"]
print([x["index"] for x in r], [("caption" in x, "detail" in x) for x in r])' >"$dir/seen"
    is 'several files' '[0, 1, 2] [(True, False), (False, True), (True, False)]' "$(cat "$dir/seen")"
    ask -H 'Accept: text/html, application/x-ndjson' -F file=@$picture -F file=@$other "$url/caption?beam_width=1" | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
last = {x["index"]: x["caption"].split() for x in lines if "caption" in x}
words = [x for x in lines if "words" in x]
assert all(last[x["index"]][: len(x["words"])] == x["words"] for x in words), lines
print(sorted(last), len(words) > 2)' >"$dir/seen"
    is 'lines of JSON, and words before them' '[0, 1] True' "$(cat "$dir/seen")"
    ask "$url/openapi.json" | python3 -c '
import json, sys
print(*sorted(json.load(sys.stdin)["paths"]))' >"$dir/seen"
    is 'openapi.json has the paths' '/caption /caption/attention /caption/explain /health /metrics /model-info' "$(cat "$dir/seen")"
else
    skip 'answers are those of capdemo' 'no python3'
fi
is '/health' 1 "$(ask "$url/health" | grep -cE '^\{"status":"ok","model_loaded":true,"uptime_s":[0-9.e-]+,"device":"cpu"\}$')"
is '/model-info' 1 "$(ask "$url/model-info" | grep -c '"backbone":"resnet50","decoder_type":"gru","vocab_size":98,')"
is '/metrics' 1 "$(ask "$url/metrics" | grep -c '^capserve_images_total{outcome="captioned"} [1-9]')"

# ---- errors ----
is 'text is no picture: 400' 400 "$(status -F file=@Makefile "$url/caption")"
is 'as the published service says it' 1 "$(grep -c '^{"detail":"could not decode image: ' "$dir/body")"
is 'no file: 422' 422 "$(status -X POST "$url/caption")"
is 'as FastAPI says it' '{"detail":[{"type":"missing","loc":["body","file"],"msg":"Field required","input":null}]}' \
    "$(cat "$dir/body")"
is 'a parameter that is no number: 422' 422 "$(status -F file=@$picture "$url/caption?beam_width=wide")"
is 'as FastAPI says it' 1 "$(grep -cF '{"type":"int_parsing","loc":["query","beam_width"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"wide"}' "$dir/body")"
is 'a beam that is too wide: 422' 422 "$(status -F file=@$picture "$url/caption?beam_width=11")"
is 'a map of no such kind: 422' 422 "$(status -F file=@$picture "$url/caption/explain?map=jet")"
is 'an unknown path: 404' '404 {"detail":"Not Found"}' "$(status "$url/x") $(cat "$dir/body")"
is 'another method: 405' '405 {"detail":"Method Not Allowed"}' "$(status "$url/caption") $(cat "$dir/body")"
is 'a path with a slash: 307' 307 "$(status -F file=@$picture "$url/caption/?max_len=3")"

# ---- headers and pages ----
is 'the page' 1 "$(ask "$url/" | grep -c '<form action="/caption"')"
size=0
for path in / /look.css /look.js /page.css /page.js /backend.js; do size=$((size + $(ask "$url$path" | wc -c))); done
is 'with all that it loads it is small' 1 "$([ $size -gt 10000 ] && [ $size -le 61440 ] && echo 1)"
for path in / /docs; do
    is "$path asks for nothing elsewhere" 0 "$(ask "$url$path" | grep -cE '(src|href|action)="(https?:)?//')"
    is "$path has no script or style in its text" 0 "$(ask "$url$path" | grep -cE '<script>|<style|style=| on[a-z]+=')"
    is "$path: its policy allows the service's own files alone" 1 "$(headers "$url$path" |
        grep -ciE "^content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\$")"
done
for type in '/page.css text/css; charset=utf-8' '/page.js text/javascript; charset=utf-8' '/pictures/bus.jpg image/jpeg'; do
    is "the type of ${type%% *}" "${type#* }" "$(headers "$url${type%% *}" | sed -n 's/^Content-Type: //p')"
done
ask "$url/pictures/bus.jpg" >"$dir/bus"
try 'a bundled picture' cmp "$dir/bus" $picture
for path in /pictures /pictures/ /pictures/../page.js /pictures/nothing.jpg /tools/capserve.c //; do
    is "no file: $path" 404 "$(status --path-as-is "$url$path")"
done
is 'nosniff everywhere' 4 "$(for path in / /health /x /caption; do headers "$url$path"; done | grep -c '^X-Content-Type-Options: nosniff$')"
is 'HEAD' 200 "$(status -I "$url/health")"

# ---- load ----
want=$(ask -F file=@$picture "$url/caption" | cksum)
i=0 loads=''
while [ $i -lt 16 ]; do
    ask -F file=@$picture "$url/caption" | cksum >"$dir/load.$i" &
    loads="$loads $!"
    ask -F file=@$other "$url/caption?beam_width=$((i % 9 + 1))" >/dev/null &
    loads="$loads $!"
    i=$((i + 1))
done
for load in $loads; do wait "$load"; done
is 'no request changes the answer of another' "16 $want" "$(cat "$dir"/load.* | sort | uniq -c | sed 's/^ *//')"

# ---- clients that go away while their maps are made ----
many=''
while [ ${#many} -lt 1300 ]; do many="$many -F file=@$picture"; done
# shellcheck disable=SC2086
curl -s -m 300 $many "$url/caption/explain?map=occlusion" >/dev/null &
left=$!
until_said '^capserve_queued_images [1-9]' ask "$url/metrics"
kill $left
until_said '^capserve_images_total{outcome="gone"} [1-9]' ask "$url/metrics"
until_said '^capserve_queued_images 0' ask "$url/metrics"
is 'a client that goes away: its maps are given up' 1 "$(ask "$url/metrics" | grep -c '^capserve_images_total{outcome="gone"} [1-9]')"
is 'and others are answered' "$want" "$(ask -F file=@$picture "$url/caption" | cksum)"

# ---- signals ----
kill -HUP "$pid"
until_said 'opened again' cat "$dir/log"
is 'SIGHUP opens the model again' 1 "$(grep -c 'opened again' "$dir/log")"
is 'and requests go on' "$want" "$(ask -F file=@$picture "$url/caption" | cksum)"
# shellcheck disable=SC2086
ask $many "$url/caption?beam_width=10" >"$dir/last" &
last=$!
until_said '^capserve_queued_images [1-9]' ask "$url/metrics"
stop
is 'SIGTERM ends it with 0' 0 $?
wait $last
none 'and the request that ran was answered' "$(grep -q '"index":20,"caption"' "$dir/last" || cat "$dir/last")"

cp weights/scenes.capw "$dir/m.capw"
start -m "$dir/m.capw"
echo no model >"$dir/new" && mv "$dir/new" "$dir/m.capw"
kill -HUP "$pid"
until_said 'stays' cat "$dir/log"
is 'a model that can not be opened: the old one stays' 1 "$(grep -c 'the old model stays' "$dir/log")"
is 'and answers' "$want" "$(ask -F file=@$picture "$url/caption" | cksum)"
stop

# ---- options ----
start --queue 1 --workers 1 --batch 1 --threads 1 --max-bytes 200K
head -c 300000 /dev/zero >"$dir/large"
is 'an upload that is too large: 413' 413 "$(status -F file=@"$dir/large" "$url/caption")"
i=0 busy=0 loads=''
while [ $i -lt 12 ]; do
    curl -s -m 300 -D "$dir/busy.$i" -o /dev/null -F file=@$picture "$url/caption?beam_width=10&max_len=50" &
    loads="$loads $!"
    i=$((i + 1))
done
for load in $loads; do wait "$load"; done
busy=$(cat "$dir"/busy.* | grep -c '^HTTP/1.1 503')
is 'a full queue: 503' 1 "$([ "$busy" -gt 0 ] && [ "$busy" -lt 12 ] && echo 1)"
is 'with the time to come again' "$busy" "$(cat "$dir"/busy.* | grep -c '^Retry-After: [1-9]')"
stop

printf 'secret\n' >"$dir/token"
start --token-file "$dir/token"
is 'no token: 401' 401 "$(status -F file=@$picture "$url/caption")"
is 'a wrong token: 401' 401 "$(status -H 'Authorization: Bearer secreT' -F file=@$picture "$url/caption")"
is 'the token' 200 "$(status -H 'Authorization: Bearer secret' -F file=@$picture "$url/caption")"
is '/health without' 200 "$(status "$url/health")"
stop
: >"$dir/empty"
try 'an empty token is refused' sh -c "! '$capserve' --token-file '$dir/empty' --listen 127.0.0.1:0"
for address in 127.0.0.1 127.0.0.1:x 127.0.0.1:99999999 ::1:80 nowhere.invalid:1 203.0.113.1:1; do
    try "--listen $address is refused" sh -c "! timeout 20 '$capserve' --listen '$address'"
    said 'in words' '^capserve: --listen: .'
done

# ---- hostile ----
if have python3; then
    start --max-bytes 1M --timeout 2
    try 'hostile requests' python3 test/scripts/hostile_requests.py "${url##*:}" $picture
    grep -v '^ok' "$dir/try.log"
    stop
    is 'and it ends with 0 all the same' 0 $?
else
    skip 'hostile requests' 'no python3'
fi
finish
