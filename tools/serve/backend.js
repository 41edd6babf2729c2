'use strict';
/* Where the page's captions come from: the service that sent it.  Another file of this name can take its place.  It
 * defines `backend` with `kinds`, the maps that there are, and these two functions.  Both take a picture's bytes (a Blob),
 * and fail with an Error whose message is for people.
 *
 * caption(picture, {beams, signal, busy, tell}): {captions: [{text, score, confidence}], warning}, best first.
 * maps(picture, {beams, map, signal, busy}): {map, words, maps}: for each word of the best caption an array of numbers,
 * the positions of a square, row by row.  `map` is one of `kinds`; left out, the usual one, whose name is the answer's.
 *
 * `signal` is an AbortSignal.  busy(seconds) is called each time that it waits to try again, and tell(text), if at all,
 * with what is to be shown meanwhile.  An error with `access` set asks for a token, which backend.token takes; with `final`
 * set it is of no use to try again. */
const backend = (() => {
  const tries = 5, longest = 10; /* seconds */

  const wait = (seconds, signal) => new Promise((done, failed) => {
    const timer = setTimeout(done, 1000 * seconds);
    signal.addEventListener('abort', () => { clearTimeout(timer); failed(signal.reason); });
  });

  function reason(answer, status) {
    const detail = answer && answer.detail;
    if (status === 413) return 'This picture is too large for the service.';
    if (status === 401) return 'The service asks for a token.';
    if (status === 503) return 'The service is busy. Please try again later.';
    if (status === 400) return 'This is no picture that can be read: ' + String(detail).replace('could not decode image: ', '') + '.';
    if (Array.isArray(detail)) return detail.map(e => e.loc[e.loc.length - 1] + ': ' + e.msg).join('; ');
    return typeof detail === 'string' ? detail + '.' : 'The service answered with status ' + status + '.';
  }

  async function send(path, picture, signal) {
    const body = new FormData(), headers = backend.token ? { Authorization: 'Bearer ' + backend.token } : {};
    body.append('file', picture);
    try {
      return await fetch(path, { method: 'POST', body, headers, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Error('The service can not be reached, or it ended the connection.');
    }
  }

  async function ask(path, picture, { signal, busy = () => {} }) {
    for (let left = tries; ; left--) {
      const response = await send(path, picture, signal);
      if (response.status === 503 && left > 1) {
        const seconds = Math.min(longest, Number(response.headers.get('Retry-After')) || 1);
        busy(seconds);
        await wait(seconds, signal);
        continue;
      }
      const answer = await response.json().catch(() => null);
      if (response.ok && answer) return answer;
      throw Object.assign(new Error(reason(answer, response.status)), {
        access: response.status === 401, final: [400, 401, 413, 501].includes(response.status)
      });
    }
  }

  async function caption(picture, options) {
    const answer = await ask('caption?' + new URLSearchParams({ beam_width: options.beams }), picture, options);
    const captions = answer.alternatives.map(({ caption: text, score }) =>
      ({ text, score, confidence: score === null ? 0 : Math.min(1, Math.exp(score)) }));
    return { captions, warning: answer.warning };
  }

  async function maps(picture, options) {
    const query = new URLSearchParams({ beam_width: options.beams });
    if (options.map) query.set('map', options.map);
    const answer = await ask('caption/explain?' + query, picture, options);
    return { map: answer.map, words: answer.tokens, maps: answer.maps };
  }

  return { caption, maps, kinds: ['attention', 'gradcam', 'occlusion'], token: '' };
})();
