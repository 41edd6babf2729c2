'use strict';
/* One picture and its caption: where the picture comes from, and what is shown.  look.js draws, and backend.js captions.
 */
(() => {
  const get = id => document.getElementById(id);
  let picture = null;            /* the Blob that is shown */
  let record = null;             /* as look.js has it; null: there is no caption yet */
  let words = null;              /* the box of look.words */
  let work = new AbortController();
  const controls = look.controls(backend.kinds, event => {
    if (event.target === controls.map) findMaps(controls.map.value);
    if (words) words.refresh();
  });
  get('controls').append(controls);

  /* ---- what is said ---- */

  function say(text, busy = false) {
    get('message').textContent = text;
    get('message').classList.toggle('busy', busy);
  }

  function fail(error) {
    if (error.name === 'AbortError') return;
    say('');
    get('reason').textContent = error.message;
    get('error').hidden = false;
    get('again').hidden = Boolean(error.final);
    if (error.access) {
      get('access').hidden = false;
      get('token').focus();
    }
  }

  const busy = seconds => say('The service is busy. Trying again in ' + seconds + (seconds === 1 ? ' second' : ' seconds') + ' …', true);

  const tell = text => say(text, true); /* on the way to a caption */

  /* ---- results ---- */

  function showWord(word, map) {
    get('where').textContent = map ? '“' + word + '” is strongest ' + look.place(map) + ' (' + controls.map.selectedOptions[0].textContent + ')' : '\u00a0';
  }

  function showWords() {
    words = look.words(record, get('map'), controls.settings, showWord);
    get('caption').replaceChildren(words);
  }

  function showCaption(answer) {
    const text = answer.captions[0].text;
    record = { captions: answer.captions, words: text.split(' '), maps: {} };
    get('picture').alt = text;
    get('spoken').textContent = 'Caption: ' + text;
    get('warning').textContent = answer.warning ? 'The picture is damaged: ' + answer.warning : '';
    get('warning').hidden = !answer.warning;
    get('others').replaceChildren(look.captions(record));
    get('copied').textContent = '';
    get('result').hidden = false;
    mention();
    showWords();
  }

  /* Adds maps to the record; false where it holds another picture's by now. */
  async function findMaps(map) {
    const mine = record, from = picture;
    if (!record || (map && record.maps[map])) return;
    say('Looking for the words in the picture …', true);
    try {
      const answer = await backend.maps(from, { beams: get('beams').value, map, signal: work.signal, busy });
      if (record !== mine) return;
      record.maps[answer.map] = Uint8Array.from(answer.maps.flatMap(look.bytes));
      if (!map) controls.map.value = answer.map;
      if (answer.words.join(' ') !== record.words.join(' ')) {
        record.words = answer.words;
        showWords();
      }
      say('');
      words.refresh();
    } catch (error) {
      fail(error);
    }
  }

  /* Captions the picture.  What was begun before is given up. */
  async function caption() {
    if (!picture) return;
    const mine = work = (work.abort(), new AbortController());
    get('error').hidden = true;
    record = words = null;
    say('Looking at the picture …', true);
    try {
      const answer = await backend.caption(picture, { beams: get('beams').value, signal: mine.signal, busy, tell });
      if (mine !== work) return;
      showCaption(answer);
      await findMaps(chosen ? controls.map.value : undefined);
    } catch (error) {
      if (mine === work) get('result').hidden = true;
      fail(error);
    }
  }

  let chosen = false; /* the kind of map was chosen by hand */
  controls.map.addEventListener('change', () => { chosen = true; });

  /* ---- pictures ---- */

  const image = get('picture'), view = get('view');
  let unseen = false; /* the browser can't show the picture, as with HEIC in most of them */
  const mention = () => { get('unshown').hidden = !(unseen && record); };
  image.addEventListener('load', () => {
    const ratio = image.naturalWidth / image.naturalHeight;
    view.style.aspectRatio = String(ratio);
    view.style.maxWidth = 'min(100%, ' + 60 * ratio + 'vh)';
    get('figure').hidden = unseen = false;
    mention();
  });
  image.addEventListener('error', () => {
    get('figure').hidden = unseen = true;
    mention();
  });

  function take(blob) {
    if (!blob) return;
    picture = blob;
    URL.revokeObjectURL(image.src);
    image.alt = 'the chosen picture';
    image.src = URL.createObjectURL(blob);
    get('result').hidden = true;
    showWord();
    get('drop').scrollIntoView({ block: 'nearest' });
    caption();
  }

  const files = list => [...list].find(item => item instanceof Blob);
  for (const id of ['file', 'capture']) {
    get(id).addEventListener('change', event => { take(files(event.target.files)); event.target.value = ''; });
  }
  addEventListener('paste', event => take(files(event.clipboardData.files)));

  addEventListener('dragover', event => { event.preventDefault(); get('drop').classList.add('over'); });
  addEventListener('dragleave', event => { if (!event.relatedTarget) get('drop').classList.remove('over'); });
  addEventListener('drop', event => {
    event.preventDefault();
    get('drop').classList.remove('over');
    take(files(event.dataTransfer.files));
  });

  for (const button of document.querySelectorAll('.examples button')) {
    button.addEventListener('click', async () => {
      try {
        take(await (await fetch(button.firstElementChild.src)).blob());
      } catch (error) {
        fail(new Error('The picture can not be loaded.'));
      }
    });
  }

  /* ---- the camera ---- */

  const booth = get('booth'), video = get('video');
  const stop = () => { for (const track of video.srcObject ? video.srcObject.getTracks() : []) track.stop(); video.srcObject = null; };

  get('camera').addEventListener('click', async () => {
    if (!navigator.mediaDevices) return get('capture').click();
    get('trouble').hidden = true;
    get('shoot').disabled = true;
    booth.showModal();
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      if (!booth.open) return stop();
      await video.play();
      get('shoot').disabled = false;
      get('shoot').focus();
    } catch (error) {
      get('trouble').textContent = 'There is no picture from a camera: ' + error.message;
      get('trouble').hidden = false;
    }
  });
  get('shoot').addEventListener('click', () => {
    const canvas = look.element('canvas', { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext('2d').drawImage(video, 0, 0);
    canvas.toBlob(take, 'image/jpeg', 0.95);
    booth.close();
  });
  get('leave').addEventListener('click', () => booth.close());
  booth.addEventListener('close', stop);

  /* ---- choices ---- */

  get('beams').addEventListener('input', () => { get('width').value = get('beams').value; });
  get('beams').addEventListener('change', caption);
  get('again').addEventListener('click', caption);
  get('access').addEventListener('submit', event => {
    event.preventDefault();
    backend.token = get('token').value;
    caption();
  });
  get('form').addEventListener('submit', event => event.preventDefault());

  get('copy').addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(record.captions[0].text);
      get('copied').textContent = 'Copied.';
    } catch (error) {
      get('copied').textContent = 'The browser does not allow it: ' + record.captions[0].text;
    }
  });
})();
