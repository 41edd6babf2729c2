#!/bin/sh
# The library beside ONNX Runtime and PyTorch, full-size model, in one run: `make bench-peers`.
# Prints medians and ratios; quote the ratios, absolute times on shared machines drift.  What isn't installed
# is left out.  From the environment:
#   BUILD    where bench_caption and capconvert are (build)
#   PEERS    the folder of torch_bench.py, export_onnx.py and ort.js (../shared/peers)
#   WORK     where the checkpoint and the exported graphs are kept (BUILD/peers)
#   ORT      a folder with node_modules/onnxruntime-node (WORK)
#   THREADS  for everyone (1)        RUNS  repetitions (15)
set -eu
BUILD=${BUILD:-build}
PEERS=$(cd "${PEERS:-../shared/peers}" 2>/dev/null && pwd) || {
    echo "bench-peers: skipped, there is no ${PEERS:-../shared/peers}"
    exit 0
}
WORK=${WORK:-$BUILD/peers}
THREADS=${THREADS:-1} RUNS=${RUNS:-15}
mkdir -p "$WORK"
WORK=$(cd "$WORK" && pwd)
ORT=${ORT:-$WORK}
log=$WORK/times.txt

python=
for p in "${PYTHON:-python3}" /usr/bin/python3; do
    if "$p" -c 'import torch, torchvision, PIL' 2>/dev/null; then
        python=$p
        break
    fi
done

if [ ! -f "$WORK/checkpoint.pth" ]; then
    if [ -z "$python" ]; then
        echo 'bench-peers: skipped, no checkpoint: python3-torch, python3-torchvision and python3-pil make one'
        exit 0
    fi
    echo 'making a full-size checkpoint, once'
    "$python" "$PEERS/../reference/make_reference.py" "$WORK" --limit 1 >/dev/null
fi
[ -f "$WORK/model.capw" ] ||
    "$BUILD/capconvert" "$WORK/checkpoint.pth" --vocab "$WORK/vocab.pkl" -o "$WORK/model.capw" >/dev/null

ours() {
    "$BUILD/bench/bench_caption" -m "$WORK/model.capw" --threads "$THREADS" --runs "$RUNS" --beams 5 --steps 20 |
        tee "$WORK/ours.txt" | sed -n 's/^\([a-z_]*\) *\([0-9.]*\) *[0-9.]*$/ours \1 \2/p' >>"$log"
}

: >"$log"
ours # before, between and after the peers: the mean meets the same machine as they do
if [ -n "$python" ]; then
    "$python" "$PEERS/torch_bench.py" "$WORK/checkpoint.pth" "$THREADS" "$RUNS" |
        sed -n 's/^torch threads=[0-9]* \([a-z0-9_]*\) median \([0-9.]*\).*/torch \1 \2/p' >>"$log"
    ours
else
    echo 'PyTorch: left out, there is no python3-torch'
fi
if ! command -v node >/dev/null || [ ! -d "$ORT/node_modules/onnxruntime-node" ]; then
    echo "ONNX Runtime: left out; in $ORT: npm install --ignore-scripts onnxruntime-node"
elif [ -z "$python" ] && [ ! -f "$WORK/onnx/decoder.onnx" ]; then
    echo 'ONNX Runtime: left out, its graphs are made by python3-torch'
else
    [ -f "$WORK/onnx/decoder.onnx" ] ||
        "$python" "$PEERS/export_onnx.py" "$WORK/checkpoint.pth" "$WORK/onnx" >/dev/null 2>&1
    (cd "$ORT" && node "$PEERS/ort.js" "$WORK/onnx" "$THREADS" "$RUNS") |
        sed -n 's/^ort threads=[0-9]* \([a-z0-9_]*\) median \([0-9.]*\).*/ort \1 \2/p' >>"$log"
    ours
fi

cat "$WORK/ours.txt"
echo
awk '
$1 == "ours" { sum[$2] += $3; n[$2]++ }
$1 != "ours" { peer[$1 " " $2] = $3 }
function row(name, key, stage) {
    if (!(key in peer) || !n[stage]) return
    printf "%-34s %9.1f %9.1f %8.2f\n", name, peer[key], sum[stage] / n[stage], sum[stage] / n[stage] / peer[key]
}
END {
    printf "%-34s %9s %9s %8s\n", "ms, medians", "theirs", "ours", "ratio"
    row("encoder, ONNX Runtime", "ort encoder", "encoder")
    row("encoder, PyTorch optimised", "torch encoder_jit_optimised", "encoder")
    row("encoder, PyTorch eager", "torch encoder_eager", "encoder")
    row("decoder 5 x 20, ONNX Runtime", "ort decoder_5beams_20steps", "decoder")
    row("decoder 5 x 20, PyTorch eager", "torch beam5_20steps", "decoder")
    if (("torch encoder_eager" in peer) && ("torch beam5_20steps" in peer))
        peer["torch total"] = peer["torch encoder_eager"] + peer["torch beam5_20steps"]
    row("whole caption, PyTorch eager", "torch total", "total")
    if (("ort encoder" in peer) && ("ort decoder_5beams_20steps" in peer))
        peer["ort total"] = peer["ort encoder"] + peer["ort decoder_5beams_20steps"]
    row("encoder + decoder, ONNX Runtime", "ort total", "total")
}' "$log"
