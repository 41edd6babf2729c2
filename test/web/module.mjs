// What caption.js does besides plain captions: node module.mjs FOLDER MODEL.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, file] = process.argv.slice(2), model = readFileSync(file);
const { Captioner, hasRelaxedSimd } = await import(pathToFileURL(resolve(folder, 'caption.js')));
const picture = (width, height, bytes = 3) => (
    { width, height, data: new Uint8Array(width * height * bytes).map((_, i) => (i * 7) ^ (i >> 9)) });

assert.equal(typeof hasRelaxedSimd(), 'boolean');
await assert.rejects(Captioner.open(new Uint8Array(0)), /model|file|bytes/i);
await assert.rejects(Captioner.open(new Uint8Array(100)), Error);
const broken = Uint8Array.from(model);
broken[9] ^= 0xff;
await assert.rejects(Captioner.open(broken), Error);
await assert.rejects(Captioner.open(model, { beams: 1000 }), /max_beams/);

const captioner = await Captioner.open(model, { relaxed: false });
assert.equal(captioner.kernels, 'simd128');
assert.equal(captioner.positions, 49);
assert.throws(() => captioner.features(), Error);

// attention: each word's weights sum to 1; the words are those of the text
const [best, ...others] = captioner.caption(picture(64, 48), { beams: 5 });
assert.ok(others.length > 0 && others.every((c) => c.score <= best.score));
assert.equal(best.tokens.filter((t) => !t.word.startsWith('<')).map((t) => t.word).join(' '), best.text);
for (const { attention } of best.tokens) {
    assert.equal(attention.length, 49);
    assert.ok(Math.abs(attention.reduce((a, b) => a + b) - 1) < 1e-4);
}
assert.ok(Math.abs(best.confidence - Math.exp(best.score)) < 1e-12);
assert.equal(captioner.caption(picture(64, 48), { nbest: 1 }).length, 1);

// progress: every layer, then words that stay
const seen = [];
captioner.caption(picture(64, 48), { onProgress: (p) => void seen.push(p) });
assert.equal(seen.filter((p) => p.stage === 'encoder').length, 54);
const steps = seen.filter((p) => p.stage === 'decoder');
assert.ok(steps.length > 1 && steps.every((p) => best.text.startsWith(p.words.filter((w) => w[0] !== '<').join(' '))));

// stopping, an error inside, and going on
assert.throws(() => captioner.caption(picture(9, 9), { onProgress: () => false }), /stop|abort/i);
assert.throws(() => captioner.caption(picture(9, 9), { onProgress: () => { throw new TypeError('mine'); } }), TypeError);
assert.deepEqual(captioner.caption(picture(64, 48), { beams: 5 })[0], best);

// sizes: a pixel, a photo of 12 million pixels with a fourth byte, and none
for (const size of [picture(1, 1), picture(4000, 3000, 4)]) assert.ok(captioner.caption(size)[0].text.length > 0);
assert.throws(() => captioner.caption({ width: 0, height: 4, data: new Uint8Array(0) }), Error);
assert.throws(() => captioner.caption({ width: 2, height: 2, data: new Uint8Array(8) }), RangeError);
assert.throws(() => captioner.caption({ width: 70000, height: 1, data: new Uint8Array(210000) }), /too large/);
assert.throws(() => captioner.caption(picture(64, 48), { beams: 60 }), /beams/);
assert.deepEqual(captioner.caption(picture(64, 48), { beams: 5 })[0], best);
