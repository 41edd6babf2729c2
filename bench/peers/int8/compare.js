// How far the int8 graphs are from float ones, with ONNX Runtime.
'use strict';
const fs = require('fs');
const path = require('path');
const common = require('../ort_common.js');

const usage = `Usage: node compare.js [--encoder INT8 --golden FOLDER] [--decoder INT8 --float FLOAT] [--threads N]
Compares the encoder with the features of FOLDER (golden/ of make_reference.py), and the decoder with the float graph
over 20 steps, in which both are given the words that the float one finds likeliest.
--channels, --attention, --hidden: the decoder's sizes, where they are not the published ones.`;

const PRINTED_STEPS = [0, 1, 4, 9, 19];

function readFloats(file) {
    const bytes = fs.readFileSync(file);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

// Of got against want: cosine, relative error in the 2-norm, largest error and largest value.
function differences(got, want) {
    let both = 0, gotSquares = 0, wantSquares = 0, errorSquares = 0, largestError = 0, largest = 0;
    for (let i = 0; i < want.length; i++) {
        const error = Math.abs(got[i] - want[i]);
        both += got[i] * want[i];
        gotSquares += got[i] * got[i];
        wantSquares += want[i] * want[i];
        errorSquares += error * error;
        largestError = Math.max(largestError, error);
        largest = Math.max(largest, Math.abs(want[i]));
    }
    return {
        cosine: both / Math.sqrt(gotSquares * wantSquares), relative: Math.sqrt(errorSquares / wantSquares),
        largestError, largest,
    };
}

async function compareEncoder(options) {
    const encoder = await common.openGraph(options.encoder, options.threads);
    const inputs = fs.readdirSync(options.golden).filter(name => name.endsWith('.input.f32')).sort();
    const found = [];
    for (const name of inputs) {
        const file = path.join(options.golden, name);
        const x = new common.ort.Tensor('float32', readFloats(file), [1, 3, 224, 224]);
        const y = (await encoder.run({ x })).y.data;
        found.push(differences(y, readFloats(file.replace('.input.', '.feat.'))));
    }
    const worst = Math.max(...found.map(d => d.largestError / d.largest));
    console.log(`encoder, ${found.length} pictures: cosine ${Math.min(...found.map(d => d.cosine)).toFixed(5)} at` +
        ` least, relative error ${common.median(found.map(d => d.relative)).toFixed(4)} in the median,` +
        ` ${worst.toFixed(4)} of the largest feature at most`);
}

function likeliest(logp, row, words) {
    let best = 0;
    for (let j = 1; j < words; j++) if (logp[row * words + j] > logp[row * words + best]) best = j;
    return best;
}

async function compareDecoder(options) {
    const exact = await common.openGraph(options.float, options.threads);
    const rounded = await common.openGraph(options.decoder, options.threads);
    const inputs = common.decoderInputs(options);
    let { tok, h: hExact, h: hRounded } = inputs;
    for (let step = 0; step < 20; step++) {
        const a = await exact.run({ ...inputs, h: hExact, tok });
        const b = await rounded.run({ ...inputs, h: hRounded, tok });
        const [rows, words] = a.logp.dims;
        const best = Array.from({ length: rows }, (_, row) => likeliest(a.logp.data, row, words));
        if (PRINTED_STEPS.includes(step)) {
            const state = differences(b.h2.data, a.h2.data), logp = differences(b.logp.data, a.logp.data);
            const same = best.filter((word, row) => word === likeliest(b.logp.data, row, words)).length;
            console.log(`decoder, step ${step}: relative error of the state ${state.relative.toFixed(4)}, of the` +
                ` log-probabilities ${logp.relative.toFixed(4)} (largest ${logp.largestError.toFixed(3)}),` +
                ` same likeliest word ${same}/${rows}`);
        }
        [hExact, hRounded, tok] = [a.h2, b.h2, common.tokenTensor(best)];
    }
}

async function main() {
    const options = common.readOptions(usage, {
        encoder: '', golden: '', decoder: '', float: '', threads: 1, ...common.decoderSizes,
    });
    const wantsEncoder = options.encoder && options.golden, wantsDecoder = options.decoder && options.float;
    if (!wantsEncoder && !wantsDecoder) {
        console.error(usage);
        process.exit(2);
    }
    if (wantsEncoder) await compareEncoder(options);
    if (wantsDecoder) await compareDecoder(options);
}

main();
