// Runs a program for WASI in Node: node wasi.mjs PROGRAM [ARGUMENT...].  It sees no files.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [program, ...more] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...more], env: {}, preopens: {} });
const { instance } = await WebAssembly.instantiate(await readFile(program), wasi.getImportObject());
process.exitCode = wasi.start(instance);
