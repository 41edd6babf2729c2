#!/bin/sh
# The library beside ONNX Runtime and PyTorch, full-size model, in one run: `make bench-peers`.  Ours and theirs take
# turns in every round; printed are medians over the rounds and, as absolute times on shared machines drift, the
# median of the rounds' own ratios.  What isn't installed is left out.  From the environment:
#   BUILD   where bench_caption, capconvert and capdemo are (build)
#   PEERS   the folder of torch_bench.py, export_onnx.py and ort.js (../shared/peers)
#   WORK    where what is made on the way is kept: checkpoint.pth, model.capw, onnx/ (BUILD/peers)
#   MODEL   the converted model (WORK/model.capw)    CHECKPOINT  PyTorch's (WORK/checkpoint.pth)
#   ONNX    the folder of encoder.onnx and decoder.onnx (WORK/onnx)
#   ORT     a folder with node_modules/onnxruntime-node (WORK)
#   IMAGE   the picture of the one-shot run (a photo beside PEERS, or test/vectors/a.jpg)
#   PARTS   which comparisons (one avx2 two batch torch oneshot)
#   ROUNDS  (3)    RUNS  of each stage in a round (9)
set -eu
BUILD=${BUILD:-build}
PARTS=${PARTS:-one avx2 two batch torch oneshot}
ROUNDS=${ROUNDS:-3} RUNS=${RUNS:-9}
PEERS=$(cd "${PEERS:-bench/peers}" 2>/dev/null && pwd) || {
    echo "bench-peers: skipped, there is no ${PEERS:-bench/peers}"
    exit 0
}
WORK=${WORK:-$BUILD/peers}
mkdir -p "$WORK"
WORK=$(cd "$WORK" && pwd)
MODEL=${MODEL:-$WORK/model.capw} CHECKPOINT=${CHECKPOINT:-$WORK/checkpoint.pth}
ONNX=${ONNX:-$WORK/onnx} ORT=${ORT:-$WORK}
here=$(pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# ---- what there is ----
python=
for p in "${PYTHON:-python3}" /usr/bin/python3; do
    if "$p" -c 'import torch, torchvision, PIL' 2>/dev/null; then
        python=$p
        break
    fi
done
if [ ! -f "$CHECKPOINT" ] && [ -n "$python" ] && [ "$CHECKPOINT" = "$WORK/checkpoint.pth" ]; then
    echo 'making a full-size checkpoint, once'
    "$python" "$here/test/reference/make_reference.py" "$WORK" --limit 1 >/dev/null
fi
if [ ! -f "$MODEL" ]; then
    if [ ! -f "$CHECKPOINT" ]; then
        echo 'bench-peers: skipped, no MODEL and no CHECKPOINT: python3-torch, python3-torchvision and' \
            'python3-pil make them'
        exit 0
    fi
    "$BUILD/capconvert" "$CHECKPOINT" --vocab "$(dirname "$CHECKPOINT")/vocab.pkl" -o "$MODEL" >/dev/null
fi
if [ -z "$python" ] || [ ! -f "$CHECKPOINT" ]; then
    echo 'PyTorch: left out, there is no python3-torch or no checkpoint'
    python=
fi
ort=
if ! command -v node >/dev/null || [ ! -d "$ORT/node_modules/onnxruntime-node" ]; then
    echo 'ONNX Runtime: left out; in the folder that ORT names: npm install --ignore-scripts onnxruntime-node'
elif [ ! -f "$ONNX/decoder.onnx" ] && [ -z "$python" ]; then
    echo 'ONNX Runtime: left out, its graphs are made by python3-torch'
else
    ort=1
    ONNX=$(mkdir -p "$ONNX" && cd "$ONNX" && pwd)
    [ -f "$ONNX/decoder.onnx" ] || "$python" "$PEERS/export_onnx.py" "$CHECKPOINT" "$ONNX" >/dev/null 2>&1
fi
if [ -z "${IMAGE:-}" ]; then
    for IMAGE in "$PEERS"/../photos/*.jpg; do break; done
    [ -f "$IMAGE" ] || IMAGE=test/vectors/a.jpg
fi

# ---- one measurement each: lines "round key value" ----
# ours KEY OPTION...: a line for each stage and one for the batches
ours() {
    key=$1
    shift
    "$BUILD/bench/bench_caption" -m "$MODEL" --runs "$RUNS" "$@" | awk -v round="$round" -v key="$key" '
        NR == 1 { print round, key ".cpu", $0 }
        /^[a-z_]+ +[0-9.]+ +[0-9.]+$/ { print round, key "." $1, $2 }
        /^batches/ { print round, key ".rate", $4 }' >>"$log"
}
# theirs KEY SCRIPT ARGUMENT...: of a script that prints "... NAME median MS ms ..."
theirs() {
    key=$1
    shift
    "$@" | awk -v round="$round" -v key="$key" '{
        for (i = 2; i < NF; i++) if ($i == "median") print round, key "." $(i - 1), $(i + 1)
    }' >>"$log"
}
with_ort() {
    [ -z "$ort" ] || (cd "$ORT" && theirs "$@")
}
oneshot() {
    case $(date +%N) in *[!0-9]* | '')
        echo 'one shot: left out, the clock of this date(1) has seconds only'
        return
        ;;
    esac
    ours warm --image "$IMAGE"
    i=0
    while [ $i -lt "$RUNS" ]; do
        begin=$(date +%s%N)
        "$BUILD/capdemo" --threads 1 -m "$MODEL" "$IMAGE" >/dev/null
        end=$(date +%s%N)
        echo $((end - begin))
        i=$((i + 1))
    done | sort -n | awk -v round="$round" '{ t[NR] = $1 }
        END { print round, "shot.wall", t[int((NR + 1) / 2)] * 1e-6 }' >>"$log"
}

round=1
while [ "$round" -le "$ROUNDS" ]; do
    for part in $PARTS; do
        case $part in
        one)
            ours one --beams 5 --steps 20
            with_ort ort1 node "$PEERS/ort.js" "$ONNX" 1 "$RUNS"
            ;;
        avx2) # beside the widest set, whose stages meet the same minute
            ours wide --beams 1 --steps 1
            ours avx2 --beams 1 --steps 1 --cpu avx2
            ;;
        two)
            ours two --threads 2 --beams 1 --steps 1
            with_ort ort2 node "$PEERS/ort.js" "$ONNX" 2 "$RUNS"
            ;;
        batch)
            ours batch --threads 2 --batch 8 --beams 1 --steps 1
            with_ort ort4 node "$here/bench/peers/ort_batch.js" "$ONNX" 2 4 "$RUNS"
            ;;
        torch)
            ours torch --beams 5 --steps 20
            [ -z "$python" ] || theirs eager "$python" "$PEERS/torch_bench.py" "$CHECKPOINT" 1 "$RUNS"
            ;;
        oneshot) oneshot ;;
        *)
            echo "bench-peers: $part: no such part" >&2
            exit 2
            ;;
        esac
    done
    round=$((round + 1))
done

# ---- the table ----
awk '
$2 ~ /\.cpu$/ { if (!header++) { sub(/^[^ ]+ [^ ]+ /, ""); sub(/, [0-9]+ thread.*/, ""); print }
    if ($0 ~ /avx512/) wide = 1
    next }
{
    v[$1, $2] = $3
    if ($1 > rounds) rounds = $1
}
function median(list, n,    i, j, t) {
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function row(name, ours, theirs, bar,    r, n, q) {
    n = 0
    for (r = 1; r <= rounds; r++) {
        if (!((r, ours) in v) || !((r, theirs) in v)) continue
        n++
        a[n] = v[r, ours]
        b[n] = v[r, theirs]
        ratio[n] = a[n] / b[n]
    }
    if (!n) return
    q = median(ratio, n)
    printf "%-46s %9.1f %9.1f %7.2f  %4.2f..%4.2f%s\n", name, median(a, n), median(b, n), q, ratio[1], ratio[n],
        bar ? "   " bar : ""
}
END {
    printf "medians of %d rounds\n\n", rounds
    printf "%-46s %9s %9s %7s  %-10s   %s\n", "", "ours", "theirs", "ratio", "of rounds", "bar"
    for (r = 1; r <= rounds; r++) {
        if ((r, "ort4.batch4") in v) v[r, "ort4.rate"] = 4000 / v[r, "ort4.batch4"]
        if ((r, "eager.encoder_eager") in v) v[r, "eager.total"] = v[r, "eager.encoder_eager"] + v[r, "eager.beam5_20steps"]
    }
    row("encoder / ONNX Runtime, ms", "one.encoder", "ort1.encoder", "<= 0.85")
    row("encoder, 2 threads / ONNX Runtime, ms", "two.encoder", "ort2.encoder", "<= 0.85")
    if (wide) row("encoder, AVX2 only / AVX-512, ms", "avx2.encoder", "wide.encoder", "<= 1.25")
    row("decoder 5 x 20 / ONNX Runtime, ms", "one.decoder", "ort1.decoder_5beams_20steps", "<= 0.45")
    row("whole caption / PyTorch eager, ms", "torch.total", "eager.total", "<= 0.30")
    row("images/s, 2 threads, batch 8 / ONNX Runtime 4", "batch.rate", "ort4.rate", ">= 1.15")
    row("one-shot capdemo / warm caption, ms", "shot.wall", "warm.total", "<= 1.60")
    row("encoder / PyTorch optimised, ms", "torch.encoder", "eager.encoder_jit_optimised", "")
    row("encoder / PyTorch eager, ms", "torch.encoder", "eager.encoder_eager", "")
    row("decoder 5 x 20 / PyTorch eager, ms", "torch.decoder", "eager.beam5_20steps", "")
}' "$log"
