#!/bin/sh
# Draws docs/roofline.svg: `make roofline`.  Measures every layer of the encoder, a step of the decoder and what
# one core can do at best, all on one thread, and has bench/roofline.awk draw it.  From the environment:
#   BUILD  where the benches and capinfo are (build)
#   MODEL  an attention model whose decoder is timed (BUILD/full.capw)
#   OUT    the picture (docs/roofline.svg)
#   CPU    an instruction set to stay at (the widest that is there)
set -eu
BUILD=${BUILD:-build}
MODEL=${MODEL:-$BUILD/full.capw}
OUT=${OUT:-docs/roofline.svg}
CPU=${CPU:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# a step is the difference that ten more of them make: what is done once an image drops out
for steps in 10 20; do
    "$BUILD/bench/bench_caption" -m "$MODEL" --beams 5 --steps $steps ${CPU:+--cpu "$CPU"} >"$work/steps$steps"
done
"$BUILD/bench/bench_layers" -m "$MODEL" --roofs --json ${CPU:+--cpu "$CPU"} >"$work/layers"
"$BUILD/capinfo" --tensors "$MODEL" >"$work/tensors"

median() { awk '$1 == "decoder" { print $2 }' "$work/steps$1"; }
step_ms=$(awk -v a="$(median 10)" -v b="$(median 20)" 'BEGIN { printf "%.4f", (b - a) / 10 }')
# the weights that a step reads: the vocabulary's rounded copy where there is one; "bytes numbers"
step=$(awk '$1 ~ /^(attention\.(dec|v)|rnn\.[0-9]+\.(input|hidden)|fc)\.(weight|bias)$|^fc\.screen$/ { bytes[$1] = $5 }
    END {
        if ("fc.screen" in bytes) { numbers = bytes["fc.screen"] / 4; delete bytes["fc.weight"] }
        for (name in bytes) { sum += bytes[name]; numbers += bytes[name] / 4 }
        printf "%.0f %.0f", sum, numbers
    }' "$work/tensors")
machine=$(sed -n '1s/,.*//p' "$work/steps20")

awk -v beams=5 -v step_ms="$step_ms" -v step_bytes="${step% *}" -v step_numbers="${step#* }" \
    -v machine="$machine" -f bench/roofline.awk "$work/layers" >"$work/picture"
mv "$work/picture" "$OUT"
echo "$OUT: $machine, a decoder step takes $step_ms ms"
