#!/bin/sh
# Times the library beside ONNX Runtime and PyTorch, full-size model, in one run: `make bench-peers`.  Absolute times on
# shared machines drift.  So ours and theirs take turns in every round, and beside the medians over the rounds stands
# the median of the rounds' own ratios.  What isn't installed is left out.  From the environment:
#   BUILD   where bench_caption, capconvert and capdemo are (build)
#   WORK    where what is made on the way is kept: checkpoint.pth, model.capw, onnx/ (BUILD/peers)
#   MODEL   the converted model (WORK/model.capw)    CHECKPOINT  PyTorch's (WORK/checkpoint.pth)
#   ONNX    the folder of encoder.onnx and decoder.onnx (WORK/onnx)
#   ORT     a folder with node_modules/onnxruntime-node (WORK)
#   IMAGE   the picture of the one-shot run (the first of the folder PHOTOS, or test/vectors/a.jpg)
#   PARTS   which comparisons (one avx2 two batch torch oneshot)
#   ROUNDS  (3)    RUNS  of each stage in a round (9)
set -eu
BUILD=${BUILD:-build}
PARTS=${PARTS:-one avx2 two batch torch oneshot}
ROUNDS=${ROUNDS:-3} RUNS=${RUNS:-9}
PEERS=$(cd "$(dirname "$0")" && pwd)
WORK=${WORK:-$BUILD/peers}
mkdir -p "$WORK"
WORK=$(cd "$WORK" && pwd)
MODEL=${MODEL:-$WORK/model.capw} CHECKPOINT=${CHECKPOINT:-$WORK/checkpoint.pth}
ONNX=${ONNX:-$WORK/onnx} ORT=${ORT:-$WORK}
export ORT
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
    "$python" "$PEERS/../../test/reference/make_reference.py" "$WORK" --limit 1 >/dev/null
fi
if [ ! -f "$MODEL" ]; then
    if [ ! -f "$CHECKPOINT" ]; then
        echo 'bench-peers: skipped, there is no MODEL and no CHECKPOINT; with python3-torch, python3-torchvision and' \
            'python3-pil installed they are made'
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
    echo "ONNX Runtime: left out; (cd $ORT && npm install --ignore-scripts onnxruntime-node)"
elif [ ! -f "$ONNX/decoder.onnx" ] && [ -z "$python" ]; then
    echo 'ONNX Runtime: left out, its graphs are made by python3-torch'
else
    ort=1
    [ -f "$ONNX/decoder.onnx" ] || "$python" "$PEERS/export_onnx.py" "$CHECKPOINT" "$ONNX" >"$log" 2>&1 || {
        cat "$log"
        exit 1
    }
    : >"$log"
fi
if [ -z "${IMAGE:-}" ]; then
    for IMAGE in ${PHOTOS:+"$PHOTOS"/*.jpg}; do break; done
    [ -f "${IMAGE:-}" ] || IMAGE=$PEERS/../../test/vectors/a.jpg
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
    key=$1
    shift
    [ -z "$ort" ] || theirs "$key" node "$PEERS/ort.js" --runs "$RUNS" "$@"
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
            with_ort ort1 --encoder "$ONNX/encoder.onnx" --decoder "$ONNX/decoder.onnx"
            ;;
        avx2) # the widest set is timed again, so that both meet the same minute
            ours wide --beams 1 --steps 1
            ours avx2 --beams 1 --steps 1 --cpu avx2
            ;;
        two)
            ours two --threads 2 --beams 1 --steps 1
            with_ort ort2 --encoder "$ONNX/encoder.onnx" --threads 2
            ;;
        batch)
            ours batch --threads 2 --batch 8 --beams 1 --steps 1
            with_ort ort4 --encoder "$ONNX/encoder.onnx" --threads 2 --batch 4
            ;;
        torch)
            ours torch --beams 5 --steps 20
            [ -z "$python" ] || theirs eager "$python" "$PEERS/torch_bench.py" "$CHECKPOINT" --runs "$RUNS"
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
# the heading is printed before its first row
function head(title, first, second) { heading = sprintf("\n%-46s %9s %9s %7s  %-10s   %s\n", title, first, second,
    "ratio", "of rounds", "goal") }
function row(name, ours, theirs, goal,    r, n, q) {
    n = 0
    for (r = 1; r <= rounds; r++) {
        if (!((r, ours) in v) || !((r, theirs) in v)) continue
        n++
        a[n] = v[r, ours]
        b[n] = v[r, theirs]
        ratio[n] = a[n] / b[n]
    }
    if (!n) return
    printf "%s", heading
    heading = ""
    q = median(ratio, n)
    printf "%-46s %9.1f %9.1f %7.2f  %4.2f..%4.2f%s\n", name, median(a, n), median(b, n), q, ratio[1], ratio[n],
        goal ? "   " goal : ""
}
END {
    printf "medians of %d rounds\n", rounds
    for (r = 1; r <= rounds; r++) {
        if ((r, "ort4.batch4") in v) v[r, "ort4.rate"] = 4000 / v[r, "ort4.batch4"]
        if ((r, "eager.encoder_eager") in v) v[r, "eager.total"] = v[r, "eager.encoder_eager"] + v[r, "eager.beam5_20steps"]
    }
    head("ms, ratio of times (lower is better)", "ours", "theirs")
    row("encoder / ONNX Runtime", "one.encoder", "ort1.encoder", "<= 0.85")
    row("encoder, 2 threads / ONNX Runtime", "two.encoder", "ort2.encoder", "<= 0.85")
    row("decoder, 5 beams x 20 steps / ONNX Runtime", "one.decoder", "ort1.decoder_5beams_20steps", "<= 0.45")
    row("encoder / PyTorch optimised", "torch.encoder", "eager.encoder_jit_optimised", "")
    row("encoder / PyTorch eager", "torch.encoder", "eager.encoder_eager", "")
    row("decoder, 5 beams x 20 steps / PyTorch eager", "torch.decoder", "eager.beam5_20steps", "")
    row("whole caption / PyTorch eager", "torch.total", "eager.total", "<= 0.30")
    head("ms, ratio of our own times (lower is better)", "first", "second")
    if (wide) row("encoder, AVX2 only / AVX-512", "avx2.encoder", "wide.encoder", "<= 1.25")
    row("one-shot capdemo / warm caption", "shot.wall", "warm.total", "<= 1.60")
    head("images a second (higher is better)", "ours", "theirs")
    row("2 threads, batches of 8 / ONNX Runtime, of 4", "batch.rate", "ort4.rate", ">= 1.15")
}' "$log"
