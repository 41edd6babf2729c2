// ONNX Runtime's encoder on batches; run by bench/peers.sh in a folder with node_modules/onnxruntime-node:
//     node ort_batch.js FOLDER_OF_ENCODER_ONNX THREADS BATCH RUNS
// Prints the median and minimum time of a batch.  Never writes a file.
const path = require('path');
const ort = require(path.join(process.cwd(), 'node_modules', 'onnxruntime-node'));

const [folder, ...rest] = process.argv.slice(2);
const [threads, batch, runs] = rest.map(Number);
const WARM_UP = 3;

async function main() {
    const options = { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' };
    const session = await ort.InferenceSession.create(path.join(folder, 'encoder.onnx'), options);
    const pixels = Float32Array.from({ length: batch * 3 * 224 * 224 }, () => Math.random() - 0.5);
    const x = new ort.Tensor('float32', pixels, [batch, 3, 224, 224]);
    const times = [];

    for (let run = -WARM_UP; run < runs; run++) {
        const begin = process.hrtime.bigint();
        await session.run({ x });
        if (run >= 0) times.push(Number(process.hrtime.bigint() - begin) / 1e6);
    }
    times.sort((a, b) => a - b);
    console.log(`ort threads=${threads} batch${batch} median ${times[times.length >> 1].toFixed(1)} ms` +
        ` min ${times[0].toFixed(1)} ms`);
}

main();
