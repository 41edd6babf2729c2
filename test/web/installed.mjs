// Captions with the package as it was installed: node installed.mjs MODEL PICTURES.  Prints the first picture's words.
import { readFileSync } from 'node:fs';
import { Captioner } from 'libcaption';

const [model, pictures] = process.argv.slice(2).map((name) => readFileSync(name));
const captioner = await Captioner.open(model);
console.log(captioner.caption({ data: pictures.subarray(0, 224 * 224 * 3), width: 224, height: 224 })[0].text);
