#!/bin/sh
# Draws docs/roofline.svg: `make roofline`.  Measures every layer of the encoder, a step of the decoder and what one core
# can do at best, all on one thread, and has bench/roofline.awk draw it.  From the environment:
#   BUILD  where the benches and capinfo are (build)
#   MODEL  an attention model (BUILD/full.capw)
#   OUT    the picture (docs/roofline.svg, of an int8 model docs/roofline_int8.svg)
#   CPU    an instruction set to stay at (the widest that is there)
set -eu
BUILD=${BUILD:-build}
MODEL=${MODEL:-$BUILD/full.capw}
CPU=${CPU:-}
BEAMS=5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A step's time is what ten more steps take, divided by ten.  So what is done once for an image doesn't count.
for steps in 10 20; do
    "$BUILD/bench/bench_caption" -m "$MODEL" --beams $BEAMS --steps $steps ${CPU:+--cpu "$CPU"} >"$work/steps$steps"
done
"$BUILD/bench/bench_layers" -m "$MODEL" --roofs --json ${CPU:+--cpu "$CPU"} >"$work/layers"
"$BUILD/capinfo" --tensors "$MODEL" >"$work/tensors"

case $(sed -n 's/.*"precision": "\([a-z0-9]*\)".*/\1/p' "$work/layers") in
int8) OUT=${OUT:-docs/roofline_int8.svg} ;;
*) OUT=${OUT:-docs/roofline.svg} ;;
esac

median() { awk '$1 == "decoder" { print $2 }' "$work/steps$1"; }
step_ms=$(awk -v a="$(median 10)" -v b="$(median 20)" 'BEGIN { printf "%.4f", (b - a) / 10 }')
# "bytes numbers" of the weights that a step reads.  Where the file has the vocabulary's weights in int16 (fc.screen), the
# step reads those instead of fc.weight.
step=$(awk '
    $1 ~ /^(attention\.(dec|v)|rnn\.[0-9]+\.(input|hidden)|fc)\.(weight|bias)$/ {
        bytes[$1] = $5
        size[$1] = $2 == "int8" ? 1 : 4
    }
    $1 == "fc.screen" { bytes[$1] = $5; size[$1] = 2 }
    END {
        if ("fc.screen" in bytes) delete bytes["fc.weight"]
        for (name in bytes) { sum += bytes[name]; numbers += bytes[name] / size[name] }
        printf "%.0f %.0f", sum, numbers
    }' "$work/tensors")
machine=$(sed -n '1s/,.*//p' "$work/steps20")

awk -v beams=$BEAMS -v step_ms="$step_ms" -v step_bytes="${step% *}" -v step_numbers="${step#* }" \
    -v machine="$machine" -f bench/roofline.awk "$work/layers" >"$work/picture"
mv "$work/picture" "$OUT"
echo "$OUT: $machine, a decoder step takes $step_ms ms"
