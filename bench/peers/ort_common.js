// What the scripts for ONNX Runtime share: finding the package, options of the command line, sessions, tensors, times.
// Needs `npm install --ignore-scripts onnxruntime-node` in the folder that ORT names, or in the current one.
'use strict';
const fs = require('fs');
const path = require('path');

const WARM_UP = 3;

function loadRuntime() {
    const folder = path.resolve(process.env.ORT || '.', 'node_modules', 'onnxruntime-node');
    if (!fs.existsSync(folder)) {
        console.error(`${folder}: not there; npm install --ignore-scripts onnxruntime-node`);
        process.exit(2);
    }
    return require(folder);
}

const ort = loadRuntime();

// "--name value" for each name in `defaults`; anything else prints the usage and ends the program.
function readOptions(usage, defaults) {
    const options = { ...defaults };
    const words = process.argv.slice(2);
    for (let i = 0; i < words.length; i += 2) {
        const name = words[i].replace(/^--/, '');
        if (!words[i].startsWith('--') || !(name in defaults) || i + 1 === words.length) {
            console.error(usage);
            process.exit(words[i] === '--help' ? 0 : 2);
        }
        const isNumber = typeof defaults[name] === 'number';
        options[name] = isNumber ? Number(words[i + 1]) : words[i + 1];
        if (isNumber && !(options[name] >= 1)) {
            console.error(`--${name} ${words[i + 1]}: not a number from 1 on`);
            process.exit(2);
        }
    }
    return options;
}

function openGraph(file, threads) {
    return ort.InferenceSession.create(file, {
        intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all', logSeverityLevel: 3,
    });
}

// The same random numbers in every run, -0.5 to 0.5.
let state = 12345;
function random() {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state / 0x7fffffff - 0.5;
}

function randomTensor(...dims) {
    const size = dims.reduce((a, b) => a * b);
    return new ort.Tensor('float32', Float32Array.from({ length: size }, random), dims);
}

function tokenTensor(ids) {
    return new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [ids.length]);
}

// One step's inputs for five candidates; sizes are the graph's own.
function decoderInputs(options) {
    return {
        feat: randomTensor(1, 49, options.channels), att: randomTensor(1, 49, options.attention),
        h: randomTensor(5, options.hidden), tok: tokenTensor([4, 5, 6, 7, 8]),
    };
}
const decoderSizes = { channels: 2048, attention: 256, hidden: 1024 };

function median(values) {
    return [...values].sort((a, b) => a - b)[values.length >> 1];
}

// Prints median and minimum over `runs` calls.
async function time(name, threads, runs, call) {
    const times = [];
    for (let run = -WARM_UP; run < runs; run++) {
        const begin = process.hrtime.bigint();
        await call();
        if (run >= 0) times.push(Number(process.hrtime.bigint() - begin) / 1e6);
    }
    console.log(`ort threads=${threads} ${name} median ${median(times).toFixed(1)} ms` +
        ` min ${Math.min(...times).toFixed(1)} ms`);
}

module.exports = {
    ort, readOptions, openGraph, randomTensor, tokenTensor, decoderInputs, decoderSizes, median, time,
};
