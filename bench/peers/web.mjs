// Times the encoder in WebAssembly beside ONNX Runtime Web, one thread, in one process:
//     node web.mjs FOLDER MODEL [--int8 MODEL] [--onnx encoder.onnx --ort FOLDER] [--rounds 5] [--runs 3] [--no-relaxed]
// FOLDER is build/web.  --ort is a folder with node_modules/onnxruntime-web.  All take turns in every round.  Times are
// the processor's, of this process, so that other programs disturb them less.  Prints the medians over the rounds of each
// round's fastest run, and the median of the rounds' own ratios.  Node 20 needs --experimental-wasm-relaxed-simd for
// relaxed SIMD.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const SIDE = 224;
const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        int8: { type: 'string' }, onnx: { type: 'string' }, ort: { type: 'string' },
        rounds: { type: 'string', default: '5' }, runs: { type: 'string', default: '3' }, 'no-relaxed': { type: 'boolean' },
    },
});
const [folder, model] = positionals;
const { Captioner, hasRelaxedSimd } = await import(pathToFileURL(resolve(folder, 'caption.js')));

const picture = { width: SIDE, height: SIDE, data: new Uint8Array(SIDE * SIDE * 3) };
for (let i = 0, x = 1; i < picture.data.length; i++) picture.data[i] = (x = (x * 1103515245 + 12345) & 0x7fffffff) >> 16;

function now() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
}

// Milliseconds until the last layer; the search is cut short.
function ours(captioner) {
    return () => {
        let end = 0;
        const begin = now();
        try {
            captioner.caption(picture, { onProgress: ({ stage }) => {
                if (stage === 'decoder') return false;
                end = now();
                return true;
            } });
        } catch { /* stopped after the first step, as intended */ }
        return end - begin;
    };
}

async function theirs() {
    const ort = await import(pathToFileURL(resolve(values.ort, 'node_modules/onnxruntime-web/dist/ort.wasm.min.mjs')));
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(readFileSync(values.onnx), { graphOptimizationLevel: 'all' });
    const x = new ort.Tensor('float32', Float32Array.from(picture.data.subarray(0, 3 * SIDE * SIDE), (v) => v / 128 - 1),
        [1, 3, SIDE, SIDE]);
    return async () => {
        const begin = now();
        await session.run({ x });
        return now() - begin;
    };
}

const median = (all) => [...all].sort((a, b) => a - b)[all.length >> 1];
const runners = new Map();
for (const relaxed of hasRelaxedSimd() && !values['no-relaxed'] ? [false, true] : [false]) {
    const name = relaxed ? 'relaxed' : 'simd128';
    runners.set(`float32 ${name}`, ours(await Captioner.open(readFileSync(model), { relaxed })));
    if (values.int8) runners.set(`int8 ${name}`, ours(await Captioner.open(readFileSync(values.int8), { relaxed })));
}
if (values.ort) runners.set('onnxruntime-web', await theirs());

const times = new Map([...runners.keys()].map((name) => [name, []]));
for (let i = 0; i < 6; i++) for (const run of runners.values()) await run(); // until engines have compiled for speed
for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, run] of runners) {
        let least = Infinity;
        for (let i = 0; i < Number(values.runs); i++) least = Math.min(least, await run());
        times.get(name).push(least);
    }
}
for (const [name, all] of times) console.log(`${name.padEnd(18)} ${median(all).toFixed(1)} ms`);
const ratio = (a, b) => {
    if (!times.has(a) || !times.has(b)) return;
    const each = times.get(a).map((x, i) => x / times.get(b)[i]);
    console.log(`${a} / ${b}: ${median(each).toFixed(3)}, from ${Math.min(...each).toFixed(3)} to ${Math.max(...each).toFixed(3)}`);
};
for (const name of ['simd128', 'relaxed']) {
    ratio(`float32 ${name}`, 'onnxruntime-web');
    ratio(`int8 ${name}`, `float32 ${name}`);
}
