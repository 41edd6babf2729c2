"""The page that captions in the browser itself, as people use it:
    python3 web.py SITE FOLDER SCREENSHOTS WANTED.json
SITE is the folder that `make web` made, FOLDER is for temporary files.  WANTED.json has what capdemo --json says of PICTURE
and of the bus with the page's model.  Prints TAP lines."""

import functools
import http.server
import json
import os
import sys
import threading

from browser import Browser, check, check_access, finish

SITE, FOLDER, SHOTS = sys.argv[1:4]
PICTURE = os.path.abspath("weights/scenes/demo/scene_2035_000009.jpg")
WANTED = [json.loads(line) for line in open(sys.argv[4])]
CAPTION = """const words = [...document.querySelectorAll('#caption button')].map(b => b.textContent).join(' ');
return document.getElementById('result').checkVisibility() && document.getElementById('message').textContent === '' && words"""
INK = """const c = document.getElementById('map');
return c.width === 112 && c.getContext('2d').getImageData(0, 0, 112, 112).data.some(v => v > 0)"""
asked = []  # what the host was asked for


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        asked.append((self.command, self.path))


def text_of(selector):
    return b.run("return document.querySelector(arguments[0]).textContent", selector)


host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=SITE))
threading.Thread(target=host.serve_forever, daemon=True).start()
URL = "http://127.0.0.1:%d/" % host.server_port
b = Browser(FOLDER)
try:
    b.go(URL)
    b.wait("the page", "return document.readyState === 'complete'")
    check_access(b, "at first")
    # every text that is shown on the way, of which words that are found early may be one
    b.run("""window.said = []; const message = document.getElementById('message');
             new MutationObserver(() => said.push(message.textContent)).observe(message, {childList: true, characterData: true})""")
    b.type("#file", PICTURE)
    check("a picture: the caption is capdemo's", b.wait("a caption", CAPTION) == WANTED[0]["caption"], text_of("#caption"))
    said = b.run("return said")
    check("the model's progress is shown", any("Loading the model" in x for x in said), said)
    listed = b.run("return [...document.querySelectorAll('#others li')].map(e => e.childNodes[1].data.trim())")
    check("all captions are listed, as capdemo has them", listed == [x["caption"] for x in WANTED[0]["beams"]], listed)
    b.hover("#caption button:nth-of-type(3)")
    check("a word that is pointed at shows its map", b.run(INK) and "strongest" in text_of("#where"), text_of("#where"))
    b.picture(SHOTS + "/web-map.png")
    check_access(b, "with a caption")

    b.click(".examples li:first-child button")
    b.wait("another caption", "return " + json.dumps(WANTED[1]["caption"]) + " === [...document.querySelectorAll("
           "'#caption button')].map(b => b.textContent).join(' ')")
    check("an example", True)

    b.run("document.getElementById('file').files; const t = new DataTransfer(); "
          "t.items.add(new File(['no picture'], 'x.jpg')); const f = document.getElementById('file'); f.files = t.files; "
          "f.dispatchEvent(new Event('change'))")
    b.wait("a refusal", "return !document.getElementById('error').hidden")
    check("what is no picture is refused in words", "can not read" in text_of("#reason"), text_of("#reason"))

    check("the host was only asked for files", asked and all(command == "GET" for command, _ in asked), asked)
    check("and for the model once", len([path for _, path in asked if path.endswith("model.capw")]) == 1, asked)
    complaints = [x for x in b.complaints() if "favicon" not in x]
    check("the console has nothing to say", not complaints, "\n".join(complaints))

    b.wait("all files kept", "return navigator.serviceWorker.ready.then(() => true)")
    host.shutdown()
    host.server_close()
    b.go(URL)
    b.type("#file", PICTURE)
    check("without a network too", b.wait("a caption", CAPTION) == WANTED[0]["caption"], text_of("#caption"))
    times = b.run("""const wait = (text) => new Promise(done => { const look = () => {
          const c = document.getElementById('caption');
          if (c.childElementCount && document.getElementById('message').textContent === '') done(); else requestAnimationFrame(look); }; look(); });
        return (async () => { const blob = await (await fetch('pictures/bus.jpg')).blob(), all = [];
          for (let i = 0; i < 9; i++) { const t = new DataTransfer(); t.items.add(new File([blob], 'bus.jpg'));
            document.getElementById('caption').replaceChildren(); const begin = performance.now();
            dispatchEvent(new DragEvent('drop', {dataTransfer: t, cancelable: true})); await wait(); all.push(performance.now() - begin); }
          return all.sort((x, y) => x - y); })()""")
    print("# from drop to caption: median %.0f ms, fastest %.0f ms" % (times[len(times) // 2], times[0]))
finally:
    b.close()
finish()
