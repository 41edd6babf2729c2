// Captions raw RGB pictures of 224 x 224 as test/cortex-m/captions.c does, with the WebAssembly module:
//     node captions.mjs FOLDER MODEL PICTURES [--cpu BITS] [--relaxed] [--features FILE]
// FOLDER has caption.js.  For each picture a line: the words, the bits of the score, the checksum of the features.
// Lines about the machine begin with '#'.  --features: writes the features of all pictures, float32.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const SIDE = 224;
const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { cpu: { type: 'string' }, relaxed: { type: 'boolean' }, features: { type: 'string' } },
});
const [folder, model, pictures] = positionals;
const { Captioner } = await import(pathToFileURL(resolve(folder, 'caption.js')));

const table = Uint32Array.from({ length: 256 }, (_, i) => {
    for (let bit = 0; bit < 8; bit++) i = i & 1 ? (i >>> 1) ^ 0xEDB88320 : i >>> 1;
    return i;
});
function crc32(bytes) {
    let crc = -1;
    for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255];
    return (crc ^ -1) >>> 0;
}

const captioner = await Captioner.open(readFileSync(model), {
    relaxed: values.relaxed === true, cpu: values.cpu === undefined ? -1 : Number(values.cpu),
});
const all = readFileSync(pictures), size = SIDE * SIDE * 3, kept = [];
console.log(`# kernels ${captioner.kernels}`);
for (let at = 0; at + size <= all.length; at += size) {
    const rgb = all.subarray(at, at + size), rgba = new Uint8ClampedArray(SIDE * SIDE * 4);
    for (let i = 0; i < SIDE * SIDE; i++) rgba.set([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255 - rgb[3 * i]], 4 * i);
    const [plain] = captioner.caption({ data: rgb, width: SIDE, height: SIDE }), features = captioner.features();
    const [best] = captioner.caption({ data: rgba, width: SIDE, height: SIDE });
    if (best.text !== plain.text || best.score !== plain.score) throw new Error('RGB and RGBA differ');
    const bits = new BigUint64Array(Float64Array.of(best.score).buffer)[0];
    console.log(`${best.text}  score ${bits}  features ${crc32(new Uint8Array(features.buffer))}`);
    kept.push(Buffer.from(features.buffer));
}
if (values.features) writeFileSync(values.features, Buffer.concat(kept));
