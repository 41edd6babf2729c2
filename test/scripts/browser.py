"""A browser that tests drive: headless Chromium through chromedriver, whose WebDriver protocol is spoken here.

Every request has a time limit, and nothing sleeps for a fixed time: `wait` asks until what is waited for is there."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

LIMIT = 120  # seconds that anything may take
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for a reference to an element
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Shift": "\ue008", "Right": "\ue014", "Left": "\ue012",
        "Down": "\ue015", "Space": " "}
failed = False


def check(name, good, seen=""):
    """Prints a TAP line, and what was seen instead where it isn't good."""
    global failed
    print(("ok - " if good else "not ok - ") + name)
    if not good:
        failed = True
        print("# " + str(seen).replace("\n", "\n# "))
    sys.stdout.flush()


def finish():
    sys.exit(1 if failed else 0)


class Browser:
    def __init__(self, folder):
        """folder: for the profile and the driver's log"""
        log = open(os.path.join(folder, "chromedriver.log"), "w")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=log, text=True)
        # whatever happens, the driver ends, and the browser with it
        self.guard = threading.Timer(8 * LIMIT, self.driver.kill)
        self.guard.daemon = True
        self.guard.start()
        port = None
        while port is None:
            line = self.driver.stdout.readline()
            if not line:
                raise RuntimeError("chromedriver did not start")
            port = re.search(r"started successfully on port (\d+)", line)
        self.base = "http://127.0.0.1:" + port.group(1)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                     "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--window-size=1100,900", "--user-data-dir=" + os.path.join(folder, "profile"),
                     "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        options = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self.base += "/session/" + session["sessionId"]

    def ask(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].split("\n")[0]) from None

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(timeout=LIMIT)
            self.guard.cancel()

    def go(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a script's `return`; a promise is waited for."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, what, script, *arguments):
        """Waits until the script returns something true, and returns it."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.05)
        check("in %d s: %s" % (LIMIT, what), False, self.run("return document.body.innerText"))
        raise TimeoutError(what)

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def all(self, selector):
        return [e[ELEMENT] for e in self.ask("POST", "/elements", {"using": "css selector", "value": selector})]

    def click(self, selector):
        self.ask("POST", "/element/" + self.find(selector) + "/click")

    def type(self, selector, text):
        """Types into an element; into a file's control, the path of a file."""
        self.ask("POST", "/element/" + self.find(selector) + "/value", {"text": text})

    def name(self, element):
        return self.ask("GET", "/element/" + element + "/computedlabel")

    def role(self, element):
        return self.ask("GET", "/element/" + element + "/computedrole")

    def hover(self, selector):
        """Puts the mouse over the middle of an element."""
        origin = {ELEMENT: self.find(selector)}
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin}
        self.ask("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [move]}]})

    def touch(self, selector):
        """Taps on an element with a finger."""
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": {ELEMENT: self.find(selector)}}
        steps = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        finger = {"type": "pointer", "id": "finger", "parameters": {"pointerType": "touch"}, "actions": steps}
        self.ask("POST", "/actions", {"actions": [finger]})

    def press(self, *names):
        """Presses keys together, as on a keyboard."""
        values = [KEYS.get(name, name) for name in names]
        steps = [{"type": "keyDown", "value": v} for v in values] + [{"type": "keyUp", "value": v} for v in reversed(values)]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": steps}]})

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def media(self, **features):
        """What media queries see, as prefers_color_scheme="dark"."""
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": k.replace("_", "-"), "value": v} for k, v in features.items()])

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, path):
        """A picture of the whole page, as PNG."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shot = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def complaints(self):
        """What the browser's console has said since the last call."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]


CONTRASTS = r"""
/* The texts of the page that have less than 4.5:1 against what lies behind them (WCAG 2.2, 1.4.3), or 3:1 where they
 * are large. */
const parse = text => { const v = text.match(/[\d.]+/g).map(Number); return [v[0], v[1], v[2], v.length > 3 ? v[3] : 1]; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const luminance = c => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => {
  const v = c[i] / 255;
  return sum + part * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
}, 0);
const contrast = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
function behind(element) {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const bar = e.matches('.others li') && e.querySelector('.bar');
    if (bar) layers.push([...parse(getComputedStyle(bar).backgroundColor).slice(0, 3), Number(getComputedStyle(bar).opacity)]);
    layers.push(parse(getComputedStyle(e).backgroundColor));
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
}
const bad = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim(), style = getComputedStyle(element);
  if (!text || !element.checkVisibility({ visibilityProperty: true }) || element.closest('.unseen, script, option')) continue;
  if (element.closest(':disabled')) continue;
  const large = parseFloat(style.fontSize) >= 24, ratio = contrast(parse(style.color), behind(element));
  if (ratio < (large ? 3 : 4.5)) bad.push(text.slice(0, 40) + ' ' + ratio.toFixed(2));
}
return bad;
"""

EDGES = """
/* Borders of controls that have less than 3:1 against the page, and the ring around what has the focus (1.4.11). */
const bad = [], page = parse(getComputedStyle(document.body).backgroundColor);
for (const e of document.querySelectorAll('.button, #drop')) {
  if (!e.checkVisibility() || e.closest(':disabled')) continue;
  const ratio = contrast(parse(getComputedStyle(e).borderTopColor), page);
  if (ratio < 3) bad.push(e.outerHTML.slice(0, 60) + ' ' + ratio.toFixed(2));
}
const ring = document.createElement('span');
ring.style.color = 'var(--accent)';
document.body.append(ring);
const ratio = contrast(parse(getComputedStyle(ring).color), page);
ring.remove();
if (ratio < 3) bad.push('the ring ' + ratio.toFixed(2));
return bad;
"""

SMALL = """
/* Controls that are smaller than 24 x 24 (WCAG 2.2, 2.5.8); links in a line of text may be. */
return [...document.querySelectorAll('button, select, input, label.button, header a')].filter(e => {
  const box = e.getBoundingClientRect();
  return e.checkVisibility() && !e.matches('.unseen') && (box.width < 24 || box.height < 24);
}).map(e => e.outerHTML.slice(0, 80));
"""


def check_access(browser, where):
    """What a program can check of WCAG 2.2: names, structure, contrast, sizes, width."""
    controls = [e for e in browser.all("button, a, input, select, [role=group], img, dialog") if browser.run("""
        const modal = document.querySelector(':modal'); /* what lies behind it is nobody's */
        return arguments[0].checkVisibility() && (!modal || modal.contains(arguments[0]))""", {ELEMENT: e})]
    unnamed = [browser.run("return arguments[0].outerHTML.slice(0, 90)", {ELEMENT: e}) for e in controls
               if not browser.name(e).strip()]
    check(where + ": every control has a name", controls and not unnamed, unnamed)
    structure = browser.run("""
        const ids = [...document.querySelectorAll('[id]')].map(e => e.id), levels = [...document.querySelectorAll('h1, h2, h3')]
          .filter(e => e.checkVisibility()).map(e => Number(e.tagName[1]));
        return [document.documentElement.lang !== '' && document.title !== '', new Set(ids).size === ids.length,
          document.querySelectorAll('main').length === 1 && levels.filter(l => l === 1).length === 1,
          levels.every((l, i) => i === 0 || l <= levels[i - 1] + 1)]""")
    check(where + ": language and title, ids once, one main part and one h1, no level of heads left out", all(structure), structure)
    low = browser.run(CONTRASTS)
    faint = browser.run(CONTRASTS.split("function behind")[0] + EDGES)
    check(where + ": contrast of borders and of the focus", not faint, faint)
    check(where + ": contrast of texts", not low, low)
    small = browser.run(SMALL)
    check(where + ": sizes of controls", not small, small)
    width = browser.run("return [document.documentElement.scrollWidth, innerWidth]")
    check(where + ": nothing to scroll sideways", width[0] <= width[1], width)
