/** Pixels of 3 (red, green, blue) or 4 bytes, row by row; an ImageData is one. The fourth byte is ignored. */
export interface Pixels {
    data: Uint8Array | Uint8ClampedArray;
    width: number;
    height: number;
}

export interface OpenOptions {
    /** Take the module with relaxed SIMD. Default: where the engine has it. */
    relaxed?: boolean;
    /** The module itself. Default: libcaption.wasm or libcaption-relaxed.wasm beside caption.js. */
    wasm?: WebAssembly.Module | BufferSource;
    /** The widest search. Default: the model's width, 5 at least. */
    beams?: number;
    /** CAPTION_CPU_ bits of caption.h: 0 is plain C, 64 simd128. Default: all. */
    cpu?: number;
}

export interface Progress {
    stage: 'encoder' | 'decoder';
    /** Layers or words that are done, from 1 on. */
    done: number;
    /** Decoder: the most words. It stops before that where all captions end. */
    total: number;
    /** Words that all captions begin with; no later step changes them. */
    words: string[];
}

export interface CaptionOptions {
    /** The width of the search, 1 to that of open(). Default: the model's. */
    beams?: number;
    /** How many captions. Default: all that the search finds. */
    nbest?: number;
    /** Is called during caption(). Returning false stops the work: caption() throws. */
    onProgress?(progress: Progress): boolean | void;
}

export interface Token {
    id: number;
    /** Its word; special tokens have names such as "<end>". */
    word: string;
    /** Where it looked: a number for each position, row by row, that sum to 1. Null for models without attention. */
    attention: Float32Array | null;
}

export interface Caption {
    text: string;
    /** Log-probability divided by length^alpha; the best caption has the largest. */
    score: number;
    /** exp(score), 0..1. */
    confidence: number;
    tokens: Token[];
}

/** Does the engine have relaxed SIMD? */
export function hasRelaxedSimd(): boolean;

/** A model that is open. It works in the thread that calls it, and one picture at a time. */
export class Captioner {
    private constructor();
    /** Opens a model file (.capw) whose bytes are given. */
    static open(model: ArrayBuffer | Uint8Array, options?: OpenOptions): Promise<Captioner>;
    /** The instruction set: "relaxed", "simd128" or "c". */
    readonly kernels: string;
    /** Positions of a map of attention: 49 are 7 x 7. */
    readonly positions: number;
    /** Captions pixels, or an ImageBitmap or canvas where there is an OffscreenCanvas. Best first. */
    caption(image: Pixels | ImageBitmap | HTMLCanvasElement | OffscreenCanvas, options?: CaptionOptions): Caption[];
    /** The encoder's output for the last picture: [positions, channels]. */
    features(): Float32Array;
}
