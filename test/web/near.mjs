// node near.mjs A B BOUND: two files of float32 numbers differ by at most BOUND times the largest of A.
import { readFileSync } from 'node:fs';

const [a, b] = process.argv.slice(2, 4).map((name) => new Float32Array(new Uint8Array(readFileSync(name)).buffer));
let largest = 0, most = 0;
a.forEach((x, i) => {
    largest = Math.max(largest, Math.abs(x));
    most = Math.max(most, Math.abs(x - b[i]));
});
console.log(`at most ${most} apart, the largest is ${largest}`);
process.exitCode = a.length === b.length && a.length > 0 && most <= Number(process.argv[4]) * largest ? 0 : 1;
