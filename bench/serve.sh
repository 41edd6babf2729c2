#!/bin/sh
# Measures capserve on loopback with hey: requests a second, median and 99th percentile of the time of an answer, memory.
#     BUILD=build MODEL=build/full.capw sh bench/serve.sh
#   PICTURE   what is captioned (a drawn scene)
#   CLIENTS   numbers of clients, "1 4 16 64"
#   SECONDS_EACH  for each number of clients (20)
#   OPTIONS   of capserve, "--workers 1"
#   GROWTH    captions whose growth of memory is measured afterwards; 0, the default: none
# hey gives a percentile only where there were enough requests.  Every line ends with the requests that were not answered with 200.
set -eu
: "${BUILD:=build}" "${MODEL:=}" "${PICTURE:=weights/scenes/demo/scene_2035_000001.jpg}" "${CLIENTS:=1 4 16 64}"
: "${SECONDS_EACH:=20}" "${OPTIONS:=}" "${GROWTH:=0}"
command -v hey >/dev/null 2>&1 || { echo 'serve.sh: hey is missing (Debian: hey)' >&2; exit 1; }
log=$(mktemp)
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2086
"$BUILD/capserve" ${MODEL:+-m "$MODEL"} --listen 127.0.0.1:0 --queue 1000 $OPTIONS 2>"$log" &
pid=$!
while ! grep -q 'on http://' "$log"; do sleep 0.1; kill -0 $pid || { cat "$log"; exit 1; }; done
url=$(sed -n 's|.* on \(http://.*\)/$|\1|p' "$log")
memory() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status"; }
load() { hey -m POST -T image/jpeg -D "$PICTURE" -t 120 "$@" "$url/caption"; }

load -n 16 -c 4 >/dev/null # the first touch of the weights
echo 'clients  requests/s  p50 ms  p99 ms  resident MB  not 200'
for clients in $CLIENTS; do
    load -z "${SECONDS_EACH}s" -c "$clients" | awk -v c="$clients" -v m="$(memory)" '
        /Requests\/sec/ { rate = $2 }
        $1 ~ /^50%/ { p50 = $3 }
        $1 ~ /^99%/ { p99 = $3 }
        $1 ~ /^\[[0-9]+\]$/ && $1 != "[200]" { bad += $2 }
        END { printf "%7d  %10.2f  %6.0f  %6s  %11s  %7d\n", c, rate, p50 * 1000, p99 ? sprintf("%.0f", p99 * 1000) : "-", m, bad }'
done
if [ "$GROWTH" != 0 ]; then
    before=$(memory)
    load -n "$GROWTH" -c 16 >/dev/null
    echo "$GROWTH more captions: $before MB before, $(memory) MB after"
fi
