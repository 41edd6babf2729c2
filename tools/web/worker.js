/* Captions pictures beside the page: loads the model once, with its progress, and keeps it for when there is no network.
 * Questions: {number, picture (a Blob), beams}.  Answers: {number, tell}, a text to show meanwhile, any number of times;
 * then {number, answer: {captions, words, maps}} or {number, error, final}. */
import { Captioner } from './caption.js';

const CACHE = 'caption-@version@', MOST_BEAMS = 10;
let loading = 'Loading the model …', asking = 0; /* the number of the question that waits for it */

const answer = (message) => postMessage(message);

async function response(name) {
    const cache = self.caches && await caches.open(CACHE);
    const kept = cache && await cache.match(name);
    if (kept) return kept;
    const fresh = await fetch(name);
    if (!fresh.ok) throw new Error(`${name}: ${fresh.status}`);
    if (cache) await cache.put(name, fresh.clone()).catch(() => {});
    return fresh;
}

async function bytes(name, size) {
    const reader = (await response(name)).body.getReader(), all = new Uint8Array(size);
    for (let at = 0; ;) {
        const { done, value } = await reader.read();
        if (done) return at === size ? all : Promise.reject(new Error(`${name}: it has ${at} bytes, not ${size}`));
        all.set(value, at);
        at += value.length;
        loading = `Loading the model, ${Math.floor(100 * at / size)} % of ${(size / 1e6).toFixed(1)} MB …`;
        if (asking) answer({ number: asking, tell: loading });
    }
}

const open = async () => Captioner.open(await bytes('model.capw', Number('@size@')), { beams: MOST_BEAMS });
let opened = open();
opened.catch(() => {});

/* Words without special tokens, and where each looked. */
function words(best) {
    const said = best.tokens.filter(({ word, attention }) => attention && !/^<.*>$/.test(word));
    return { words: said.map(({ word }) => word), maps: said.map(({ attention }) => Array.from(attention)) };
}

async function captions(number, picture, beams) {
    const image = await createImageBitmap(picture).catch(() => null);
    if (!image) return { error: 'This browser can not read the picture.', final: true };
    asking = number;
    answer({ number, tell: loading });
    let captioner;
    try {
        captioner = await opened;
    } catch (error) {
        opened = open(); /* for the next try */
        opened.catch(() => {});
        return { error: `The model can not be loaded: ${error.message}.` };
    } finally {
        asking = 0;
    }
    const found = captioner.caption(image, { beams, onProgress: ({ stage, words: all }) => {
        const text = all.filter((word) => !/^<.*>$/.test(word)).join(' ');
        if (stage === 'decoder' && text) answer({ number, tell: `${text} …` });
    } });
    image.close();
    return { answer: { captions: found.map(({ text, score, confidence }) => ({ text, score, confidence })), ...words(found[0]) } };
}

addEventListener('message', async ({ data: { number, picture, beams } }) => {
    try {
        answer({ number, ...await captions(number, picture, beams) });
    } catch (error) {
        answer({ number, error: error.message });
    }
});
