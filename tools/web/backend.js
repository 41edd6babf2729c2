'use strict';
/* Where the page's captions come from: this browser.  tools/serve/backend.js, which asks a service, says what `backend`
 * must offer.  worker.js does the work, so that the page goes on meanwhile. */
const backend = (() => {
  const worker = new Worker('worker.js', { type: 'module' });
  const asked = new Map(); /* number of a question: {done, failed, tell} */
  let last = 0, answered = null; /* the latest answer, and its picture and beams */

  worker.addEventListener('message', ({ data }) => {
    const question = asked.get(data.number);
    if (!question) return;
    if (data.tell) return question.tell(data.tell);
    asked.delete(data.number);
    if (data.error) question.failed(Object.assign(new Error(data.error), { final: data.final }));
    else question.done(data.answer);
  });
  worker.addEventListener('error', () => {
    for (const { failed } of asked.values()) failed(new Error('This browser can not run the page’s program.'));
    asked.clear();
  });

  const ask = (picture, { beams, signal, tell = () => {} }) => new Promise((done, failed) => {
    const number = ++last;
    asked.set(number, { done, failed, tell });
    signal.addEventListener('abort', () => { asked.delete(number); failed(signal.reason); });
    worker.postMessage({ number, picture, beams: Number(beams) });
  });

  async function caption(picture, options) {
    answered = { ...await ask(picture, options), picture, beams: options.beams };
    return { captions: answered.captions };
  }

  async function maps(picture, options) {
    if (!answered || answered.picture !== picture || answered.beams !== options.beams) await caption(picture, options);
    return { map: 'attention', words: answered.words, maps: answered.maps };
  }

  if (navigator.serviceWorker) navigator.serviceWorker.register('offline.js').catch(() => {});
  return { caption, maps, token: '', kinds: ['attention'] };
})();
