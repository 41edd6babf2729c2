'use strict';
/* What the pages share: heat maps over a picture, words that show them, captions with bars.
 *
 * A picture's record: captions, [{text, score, confidence}], best first; words, those of the best one; maps, for each
 * kind of map (attention, gradcam, occlusion) the numbers 0..255 of all words, one map after the other, as bytes or as
 * their base64. */
const look = (() => {
  const side = maps => Math.round(Math.sqrt(maps));

  /* viridis, by Stefan van der Walt and Nathaniel Smith (CC0), every fifteenth of its 256 colours */
  const viridis = [[68, 1, 84], [72, 23, 105], [71, 42, 122], [67, 61, 132], [61, 78, 138], [53, 94, 141], [46, 109, 142],
    [41, 123, 142], [35, 137, 142], [31, 151, 139], [33, 165, 133], [46, 179, 124], [70, 192, 111], [101, 203, 94],
    [137, 213, 72], [176, 221, 47], [216, 226, 25], [253, 231, 37]];

  /* The colour of a value, 0..1: [red, green, blue], 0..255. */
  function color(value, colors) {
    if (colors === 'jet') {
      return [3, 2, 1].map(middle => 255 * Math.min(1, Math.max(0, 1.5 - Math.abs(4 * value - middle))));
    }
    const at = value * (viridis.length - 1), first = Math.min(viridis.length - 2, Math.floor(at));
    return viridis[first].map((c, i) => c + (at - first) * (viridis[first + 1][i] - c));
  }

  /* Enlarges a map bilinearly: the centre of a pixel is where it lies, and the map goes on at its edge as it ends. */
  function enlarge(map, size) {
    const n = side(map.length), out = new Float32Array(size * size);
    const spots = Array.from({ length: size }, (_, i) => {
      const at = Math.max(0, (i + 0.5) * n / size - 0.5), first = Math.min(n - 1, Math.floor(at));
      return [first, Math.min(n - 1, first + 1), at - first];
    });
    spots.forEach(([top, bottom, down], y) => spots.forEach(([left, right, across], x) => {
      const above = map[top * n + left] * (1 - across) + map[top * n + right] * across;
      const below = map[bottom * n + left] * (1 - across) + map[bottom * n + right] * across;
      out[y * size + x] = above * (1 - down) + below * down;
    }));
    return out;
  }

  /* Draws a map, numbers 0..255, onto a canvas; the picture below shines through. */
  function draw(canvas, map, { colors, opacity }) {
    const size = canvas.width = canvas.height = 112, context = canvas.getContext('2d');
    const image = context.createImageData(size, size);
    enlarge(map, size).forEach((value, i) => {
      image.data.set([...color(value / 255, colors).map(Math.round), Math.round(255 * opacity)], 4 * i);
    });
    context.putImageData(image, 0, 0);
    canvas.drawn = true;
  }

  function clear(canvas) {
    if (canvas.drawn) canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
    canvas.drawn = false;
  }

  function element(name, properties, ...children) {
    const e = Object.assign(document.createElement(name), properties);
    e.append(...children);
    return e;
  }

  /* Numbers [positions] of one map as 0..255, from the least to the largest; 0 where all are equal. */
  function bytes(map) {
    const least = Math.min(...map), range = Math.max(...map) - least;
    return map.map(value => range > 0 ? Math.round(255 * (value - least) / range) : 0);
  }

  /* Where a map has its largest number, in words. */
  function place(map) {
    const n = side(map.length), at = map.indexOf(Math.max(...map)), third = i => Math.floor(3 * i / n);
    const down = ['top', 'middle', 'bottom'][third(Math.floor(at / n))], across = ['left', 'centre', 'right'][third(at % n)];
    return down === 'middle' && across === 'centre' ? 'in the centre' : 'at the ' + down + ' ' + across;
  }

  /* The choice of map, colours and opacity.  `change` is called after each choice; the box's settings() are the choices,
   * and box.map is the list of maps. */
  function controls(kinds, change) {
    const names = { attention: 'attention', gradcam: 'Grad-CAM', occlusion: 'occlusion' };
    const list = options => element('select', {}, ...options.map(([value, textContent]) => element('option', { value, textContent })));
    const map = list(kinds.map(kind => [kind, names[kind]])), colors = list([['viridis', 'viridis'], ['jet', 'jet']]);
    const opacity = element('input', { type: 'range', min: 0, max: 1, step: 0.05, value: 0.55 });
    const label = (text, control) => element('label', {}, text + ' ', control);
    const box = element('div', { className: 'controls' }, label('Map', map), label('Colours', colors), label('Opacity', opacity));
    map.disabled = kinds.length === 0;
    box.map = map;
    box.settings = () => ({ map: map.value, colors: colors.value, opacity: Number(opacity.value) });
    box.addEventListener('input', change);
    return box;
  }

  /* The numbers of all words' maps of a kind, or nothing.  A text is unpacked when it is first needed. */
  function mapsOf(record, kind) {
    const maps = record.maps && record.maps[kind];
    if (typeof maps !== 'string') return maps;
    return record.maps[kind] = Uint8Array.from(atob(maps), c => c.charCodeAt(0));
  }

  /* The words as buttons.  A word that is pointed at, focused or pressed shows its map on the canvas.  `settings` is
   * asked each time: {map, colors, opacity}.  `shown`, if any, is told the word and its map, or nothing. */
  function words(record, canvas, settings, shown = () => {}) {
    const box = element('p', { className: 'words' });
    let held = null;
    const show = button => {
      const all = [...box.children], maps = button && mapsOf(record, settings().map);
      for (const b of all) b.classList.toggle('shown', b === button);
      clear(canvas);
      if (!maps) return shown();
      const count = maps.length / record.words.length, index = all.indexOf(button);
      const map = maps.subarray(index * count, (index + 1) * count);
      draw(canvas, map, settings());
      shown(record.words[index], map);
    };
    const hold = button => {
      for (const b of box.children) b.setAttribute('aria-pressed', String(b === button));
      show(held = button);
    };
    const back = () => show(box.contains(document.activeElement) ? document.activeElement : held);
    const on = (event, act) => box.addEventListener(event, e => { if (e.target !== box) act(e.target, e); });
    on('pointerover', show);
    on('pointerout', back);
    on('focusin', show);
    on('focusout', () => show(held));
    on('click', button => hold(held === button ? null : button));
    on('keydown', (button, event) => { if (event.key === 'Escape') hold(null); });
    for (const word of record.words) {
      const button = element('button', { type: 'button', textContent: word });
      button.setAttribute('aria-pressed', 'false');
      box.append(button, ' ');
    }
    box.refresh = back;
    return box;
  }

  /* All captions, each with a bar as long as it is probable beside the best one. */
  function captions(record) {
    const most = Math.max(...record.captions.map(c => c.confidence), 1e-30);
    return element('ol', { className: 'others' }, ...record.captions.map(c => {
      const bar = element('span', { className: 'bar' });
      bar.style.width = 100 * c.confidence / most + '%';
      const numbers = (c.score === null ? 'no score' : c.score.toFixed(3)) + ', ' + (100 * c.confidence).toFixed(1) + ' %';
      return element('li', {}, bar, c.text + ' ', element('span', { className: 'score', textContent: numbers }));
    }));
  }

  return { words, captions, controls, bytes, place, element };
})();
