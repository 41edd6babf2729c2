// libcaption in a browser, a Worker or Node: opens a model and captions pictures.  caption.d.ts has the types.

// A module of one function with an instruction of relaxed SIMD: engines without it find it invalid.
const RELAXED = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0,
    65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 11);
const STAGES = ['encoder', 'decoder'];

export const hasRelaxedSimd = () => WebAssembly.validate(RELAXED);

async function load(url) {
    if (url.protocol === 'file:') return (await import('node:fs/promises')).readFile(url);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
    return response.arrayBuffer();
}

function pixelsOf(image) {
    if (image.data) return image;
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d', { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
}

export class Captioner {
    #web;
    #progress;
    #failure;

    static async open(model, { relaxed = hasRelaxedSimd(), wasm, beams = 0, cpu = -1 } = {}) {
        const captioner = new Captioner(), bytes = new Uint8Array(model);
        wasm ??= await load(new URL(relaxed ? 'libcaption-relaxed.wasm' : 'libcaption.wasm', import.meta.url));
        const module = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
        const progress = (...all) => captioner.#tell(...all);
        captioner.#web = (await WebAssembly.instantiate(module, { caption: { progress } })).exports;
        const at = captioner.#need(captioner.#web.web_reserve(bytes.length));
        captioner.#array(Uint8Array, at, bytes.length).set(bytes);
        captioner.#need(captioner.#web.web_open(bytes.length, beams, cpu));
        captioner.kernels = captioner.#text(captioner.#web.web_kernels());
        captioner.positions = captioner.#web.web_positions();
        return captioner;
    }

    caption(image, { beams = 0, nbest = 0, onProgress } = {}) {
        const web = this.#web, { data, width, height } = pixelsOf(image), channels = data.length / (width * height);
        if (channels !== 3 && channels !== 4) throw new RangeError('pixels must have 3 or 4 bytes');
        const at = this.#need(web.web_pixels(width, height, channels));
        this.#array(Uint8Array, at, data.length).set(data);
        this.#progress = onProgress;
        const done = web.web_caption(beams, nbest), failure = this.#failure;
        this.#failure = undefined;
        if (failure) throw failure.error;
        this.#need(done);
        return Array.from({ length: web.web_count() }, (_, i) => this.#caption(i));
    }

    // The encoder's output for the last picture: [positions, channels].
    features() {
        return this.#array(Float32Array, this.#need(this.#web.web_features()),
            this.positions * this.#web.web_channels()).slice();
    }

    #caption(i) {
        const web = this.#web, alpha = web.web_attention(i), length = web.web_length(i), n = this.positions;
        const maps = alpha ? this.#array(Float32Array, alpha, length * n).slice() : null;
        const tokens = Array.from(this.#array(Int32Array, web.web_tokens(i), length), (id, t) => (
            { id, word: this.#text(web.web_word(id)), attention: maps && maps.subarray(t * n, (t + 1) * n) }));
        return { text: this.#text(web.web_text(i)), score: web.web_score(i), confidence: web.web_confidence(i), tokens };
    }

    // An error thrown inside would leave the module halfway: it is kept, and the module stopped.
    #tell(stage, done, total, tokens, count) {
        try {
            const ids = count ? this.#array(Int32Array, tokens, count) : [];
            const words = Array.from(ids, (id) => this.#text(this.#web.web_word(id)));
            return this.#progress?.({ stage: STAGES[stage], done, total, words }) === false ? 1 : 0;
        } catch (error) {
            this.#failure = { error };
            return 1;
        }
    }

    #array(Type, at, length) {
        return new Type(this.#web.memory.buffer, at >>> 0, length);
    }

    #text(at) {
        const bytes = new Uint8Array(this.#web.memory.buffer), end = bytes.indexOf(0, at >>> 0);
        return new TextDecoder().decode(bytes.subarray(at >>> 0, end));
    }

    #need(value) {
        if (!value) throw new Error(this.#text(this.#web.web_error()));
        return value;
    }
}
