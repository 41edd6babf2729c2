#!/bin/sh
# Times the library beside ONNX Runtime and PyTorch, full-size model, in one run: `make bench-peers`.  Absolute times on
# shared machines drift.  So ours and theirs take turns in every round, and beside the medians over the rounds stands
# the median of the rounds' own ratios.  What isn't installed is left out.  From the environment:
#   BUILD   where bench_caption, capconvert and capdemo are (build)
#   WORK    where what is made on the way is kept: checkpoint.pth, model.capw, onnx/ (BUILD/peers)
#   MODEL   the converted model (WORK/model.capw)    CHECKPOINT  PyTorch's (WORK/checkpoint.pth)
#   MODEL_INT8  the same in int8 (WORK/model_int8.capw)
#   ONNX    the folder of encoder.onnx and decoder.onnx, and of both in int8 (WORK/onnx)
#   ORT     a folder with node_modules/onnxruntime-node (WORK)
#   IMAGE   the picture of the one-shot run (the first of the folder PHOTOS, or test/vectors/a.jpg)
#   PARTS   which comparisons (one avx2 two batch torch oneshot, and each with int8_ before it)
#   ROUNDS  (3)    RUNS  of each stage in a round (9)
set -eu
BUILD=${BUILD:-build}
PARTS=${PARTS:-one avx2 two batch torch oneshot int8_one int8_avx2 int8_two int8_batch int8_torch int8_oneshot}
ROUNDS=${ROUNDS:-3} RUNS=${RUNS:-9}
PEERS=$(cd "$(dirname "$0")" && pwd)
WORK=${WORK:-$BUILD/peers}
mkdir -p "$WORK"
WORK=$(cd "$WORK" && pwd)
MODEL=${MODEL:-$WORK/model.capw} CHECKPOINT=${CHECKPOINT:-$WORK/checkpoint.pth}
MODEL_INT8=${MODEL_INT8:-$WORK/model_int8.capw}
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

# ---- what there is of int8 ----
int8=1
case " $PARTS" in
*' int8_'*)
    if [ ! -f "$MODEL_INT8" ] && [ -f "$CHECKPOINT" ] && "$BUILD/capconvert" --help | grep -q -e '--int8'; then
        echo 'making a model of int8, once'
        "$BUILD/capconvert" --int8 "$CHECKPOINT" --vocab "$(dirname "$CHECKPOINT")/vocab.pkl" \
            -o "$MODEL_INT8" >/dev/null
    fi
    if [ ! -f "$MODEL_INT8" ]; then
        echo 'int8: left out, there is no MODEL_INT8'
        int8=
    fi
    ;;
esac
# ONNX Runtime's graphs of int8: made with ranges that were calibrated on the float ones
ort8=$ort
make_int8_graphs() {
    echo 'making the graphs of int8, once'
    "$python" "$PEERS/int8/calibrate.py" "$CHECKPOINT" "$ONNX/encoder.onnx" "$WORK/ranges.json" &&
        "$python" "$PEERS/int8/quantise_encoder.py" "$ONNX/encoder.onnx" "$WORK/ranges.json" \
            "$ONNX/encoder_int8.onnx" &&
        "$python" "$PEERS/int8/quantise_decoder.py" "$ONNX/decoder.onnx" "$ONNX/decoder_int8.onnx"
}
case " $PARTS" in
*' int8_'*)
    if [ -n "$ort8" ] && [ -n "$int8" ] && [ ! -f "$ONNX/decoder_int8.onnx" ]; then
        if [ -n "$python" ] && "$python" -c 'import onnx' 2>/dev/null; then
            make_int8_graphs
        else
            echo 'ONNX Runtime in int8: left out, its graphs are made by python3-torch and python3-onnx'
            ort8=
        fi
    fi
    ;;
esac
if [ -z "${IMAGE:-}" ]; then
    for IMAGE in ${PHOTOS:+"$PHOTOS"/*.jpg}; do break; done
    [ -f "${IMAGE:-}" ] || IMAGE=$PEERS/../../test/vectors/a.jpg
fi

# ---- one measurement each: lines "round key value" ----
# ours KEY MODEL OPTION...: a line for each stage, one for the batches, one for the session's memory
ours() {
    key=$1 model=$2
    shift 2
    "$BUILD/bench/bench_caption" -m "$model" --runs "$RUNS" "$@" | awk -v round="$round" -v key="$key" '
        NR == 1 { print round, key ".cpu", $0 }
        /^[a-z_]+ +[0-9.]+ +[0-9.]+$/ { print round, key "." $1, $2 }
        /^session/ { print round, key ".session", $2 }
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
with_ort8() {
    [ -z "$ort8" ] || with_ort "$@"
}
# eager KEY: PyTorch in float32
eager() {
    [ -z "$python" ] || theirs "$1" "$python" "$PEERS/torch_bench.py" "$CHECKPOINT" --runs "$RUNS"
}
# oneshot KEY MODEL: capdemo from its start to its end, beside a caption in a session that has made some
oneshot() {
    shot=$1 model=$2
    case $(date +%N) in *[!0-9]* | '')
        echo 'one shot: left out, the clock of this date(1) has seconds only'
        return
        ;;
    esac
    ours "$shot.warm" "$model" --image "$IMAGE"
    i=0
    begin=$(date +%s%N)
    while [ $i -lt "$RUNS" ]; do # timed together, as starting date(1) takes a tenth of a run
        "$BUILD/capdemo" --threads 1 -m "$model" "$IMAGE" >/dev/null
        i=$((i + 1))
    done
    end=$(date +%s%N)
    echo "$round $shot.wall $(((end - begin) / RUNS))" | awk '{ print $1, $2, $3 * 1e-6 }' >>"$log"
}

# The parts of int8.  Our float32 is measured again, so that both meet the same minute.
measure_int8() {
    case $1 in
    int8_one)
        ours i8 "$MODEL_INT8" --beams 5 --steps 20
        with_ort8 i8ort --encoder "$ONNX/encoder_int8.onnx" --decoder "$ONNX/decoder_int8.onnx"
        ours i8float "$MODEL" --beams 5 --steps 20
        ;;
    int8_avx2)
        ours i8avx2 "$MODEL_INT8" --beams 1 --steps 1 --cpu avx2
        ours i8float_avx2 "$MODEL" --beams 1 --steps 1 --cpu avx2
        ;;
    int8_two)
        ours i8two "$MODEL_INT8" --beams 5 --steps 20 --threads 2
        with_ort8 i8ort2 --encoder "$ONNX/encoder_int8.onnx" --threads 2
        ours i8single "$MODEL_INT8" --beams 5 --steps 20
        ;;
    int8_batch)
        ours i8batch "$MODEL_INT8" --threads 2 --batch 8 --beams 1 --steps 1
        ours i8float_batch "$MODEL" --threads 2 --batch 8 --beams 1 --steps 1
        ;;
    int8_torch)
        ours i8torch "$MODEL_INT8" --beams 5 --steps 20
        eager i8eager
        ;;
    int8_oneshot) oneshot i8shot "$MODEL_INT8" ;;
    *)
        echo "bench-peers: $1: no such part" >&2
        exit 2
        ;;
    esac
}

round=1
while [ "$round" -le "$ROUNDS" ]; do
    for part in $PARTS; do
        case $part in
        one)
            ours one "$MODEL" --beams 5 --steps 20
            with_ort ort1 --encoder "$ONNX/encoder.onnx" --decoder "$ONNX/decoder.onnx"
            ;;
        avx2) # the widest set is timed again, so that both meet the same minute
            ours wide "$MODEL" --beams 1 --steps 1
            ours avx2 "$MODEL" --beams 1 --steps 1 --cpu avx2
            ;;
        two)
            ours two "$MODEL" --threads 2 --beams 1 --steps 1
            with_ort ort2 --encoder "$ONNX/encoder.onnx" --threads 2
            ;;
        batch)
            ours batch "$MODEL" --threads 2 --batch 8 --beams 1 --steps 1
            with_ort ort4 --encoder "$ONNX/encoder.onnx" --threads 2 --batch 4
            ;;
        torch)
            ours torch "$MODEL" --beams 5 --steps 20
            eager eager
            ;;
        oneshot) oneshot shot "$MODEL" ;;
        int8_*) [ -z "$int8" ] || measure_int8 "$part" ;;
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
$2 ~ /\.cpu$/ { if (!header++) { sub(/^[^ ]+ [^ ]+ /, ""); sub(/, (float32|int8), [0-9]+ thread.*/, ""); print }
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
# one figure that has no other beside it
function single(name, key, unit, goal,    r, n) {
    n = 0
    for (r = 1; r <= rounds; r++) if ((r, key) in v) a[++n] = v[r, key]
    if (n) printf "\n%-46s %9.1f %s   %s\n", name, median(a, n), unit, goal
}
# PyTorch has no measurement of the whole
function add_total(key,    r) {
    for (r = 1; r <= rounds; r++)
        if ((r, key ".encoder_eager") in v) v[r, key ".total"] = v[r, key ".encoder_eager"] + v[r, key ".beam5_20steps"]
}
END {
    printf "medians of %d rounds\n", rounds
    for (r = 1; r <= rounds; r++) {
        if ((r, "ort4.batch4") in v) v[r, "ort4.rate"] = 4000 / v[r, "ort4.batch4"]
    }
    add_total("eager")
    add_total("i8eager")
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
    row("one-shot capdemo / warm caption", "shot.wall", "shot.warm.total", "<= 1.60")
    head("images a second (higher is better)", "ours", "theirs")
    row("2 threads, batches of 8 / ONNX Runtime, of 4", "batch.rate", "ort4.rate", ">= 1.15")
    head("int8, ms, ratio of times (lower is better)", "int8", "other")
    row("encoder / ONNX Runtime int8", "i8.encoder", "i8ort.encoder", "<= 0.95")
    row("encoder, 2 threads / ONNX Runtime int8", "i8two.encoder", "i8ort2.encoder", "<= 0.95")
    row("encoder / our float32", "i8.encoder", "i8float.encoder", "<= 0.37")
    row("encoder, AVX2 / our float32, AVX2", "i8avx2.encoder", "i8float_avx2.encoder", "<= 0.75")
    row("decoder, 5 x 20 / ONNX Runtime dynamic int8", "i8.decoder", "i8ort.decoder_5beams_20steps", "<= 0.45")
    row("decoder, 5 x 20 / our float32", "i8.decoder", "i8float.decoder", "")
    row("decoder, 5 x 20, 2 threads / one", "i8two.decoder", "i8single.decoder", "<= 0.62")
    row("whole caption / PyTorch eager float32", "i8torch.total", "i8eager.total", "<= 0.12")
    row("one-shot capdemo / warm caption", "i8shot.wall", "i8shot.warm.total", "<= 1.60")
    head("int8, images a second (higher is better)", "int8", "other")
    row("2 threads, batches of 8 / our float32", "i8batch.rate", "i8float_batch.rate", ">= 2.60")
    single("int8, memory of a session", "i8.session", "MB", "<= 8")
}' "$log"
