"""The page of capserve in a browser, as people use it:
    python3 page.py URL FOLDER SCREENSHOTS WANTED.json URL2 TOKEN
URL2 is a service that wants TOKEN.  FOLDER is for temporary files.  WANTED.json has what capdemo --json says of PICTURE, of the bundled bus, and of the bus
with 3 beams.  The service runs with --max-bytes 200K.  Prints TAP lines."""

import json
import os
import sys

from browser import Browser, check, check_access, finish, ELEMENT

URL, FOLDER, SHOTS = sys.argv[1:4]
PICTURE = os.path.abspath("weights/scenes/demo/scene_2035_000009.jpg")
BUS = os.path.abspath("weights/scenes/demo/scene_2035_000001.jpg")
WANTED = [json.loads(line) for line in open(sys.argv[4])]
INK = """const c = document.getElementById('map');
return c.width === 112 && c.getContext('2d').getImageData(0, 0, 112, 112).data.some(v => v > 0)"""
CAPTION = """const words = [...document.querySelectorAll('#caption button')].map(b => b.textContent).join(' ');
return document.getElementById('result').checkVisibility() && document.getElementById('message').textContent === '' && words"""
b = Browser(FOLDER)


def text_of(selector):
    return b.run("return document.querySelector(arguments[0]).textContent", selector)


def captioned(what):
    """Waits for a caption with its maps, and returns it."""
    return b.wait(what, CAPTION)


def fresh():
    b.go(URL)
    b.wait("the page", "return document.readyState === 'complete'")


def focused():
    return b.run("return document.activeElement.id || document.activeElement.textContent || document.activeElement.outerHTML")


def upload():
    fresh()
    check_access(b, "at first")
    b.type("#file", PICTURE)
    check("upload: the caption is capdemo's", captioned("a caption") == WANTED[0]["caption"], text_of("#caption"))
    check("it is spoken", text_of("#spoken") == "Caption: " + WANTED[0]["caption"], text_of("#spoken"))
    check("it is the picture's alternative text", b.run("return document.getElementById('picture').alt") == WANTED[0]["caption"])
    listed = b.run("return [...document.querySelectorAll('#others li')].map(e => e.childNodes[1].data.trim())")
    check("all captions are listed, as capdemo has them", listed == [x["caption"] for x in WANTED[0]["beams"]], listed)
    bars = b.run("return [...document.querySelectorAll('#others .bar')].map(e => e.getBoundingClientRect().width)")
    check("with bars, the longest first", bars == sorted(bars, reverse=True) and bars[0] > 100, bars)
    check("no request leaves the service", all(x.startswith(URL) or x.startswith("blob:") or x.startswith("data:") for x in b.run(
        "return performance.getEntriesByType('resource').map(e => e.name)")))


def maps():
    check("no map without a word", not b.run(INK))
    b.hover("#caption button:nth-of-type(5)")
    check("a word that is pointed at shows its map", b.run(INK))
    check("and where it is strongest is said", "is strongest" in text_of("#where"), text_of("#where"))
    b.picture(SHOTS + "/page-map.png")
    b.hover("h1")
    check("and no more when it isn't", not b.run(INK))
    b.touch("#caption button:nth-of-type(4)")
    check("a tap keeps the map", b.run(INK + " && document.querySelectorAll('#caption [aria-pressed=true]').length === 1"))
    b.press("Escape")
    b.run("document.activeElement.blur()")
    check("Escape takes it away", not b.run(INK))
    b.run("document.querySelectorAll('#caption button')[4].focus()")
    check("a word that has the focus shows its map", b.run(INK))
    pixel = "return [...document.getElementById('map').getContext('2d').getImageData(56, 56, 1, 1).data]"
    viridis = b.run(pixel)
    b.type("#controls label:nth-child(2) select", "jet")
    b.run("document.querySelectorAll('#caption button')[4].focus()")
    jet = b.run(pixel)
    check("other colours", viridis[:3] != jet[:3] and viridis[3] == jet[3] == 140, [viridis, jet])
    b.run("const o = document.querySelector('#controls input'); o.value = 1; o.dispatchEvent(new Event('input', {bubbles: true}))")
    check("opacity", b.run(pixel)[3] == 255, b.run(pixel))
    attention = b.run(pixel)
    for kind in "Grad-CAM", "occlusion":
        b.type("#controls select", kind)
        captioned(kind)
        b.run("document.querySelectorAll('#caption button')[4].focus()")
        check("a map of " + kind, b.run(INK) and b.run(pixel) != attention and kind in text_of("#where"), text_of("#where"))
    check_access(b, "with a caption")


def ways():
    """All ways to give a picture."""
    fresh()
    b.click(".examples li:first-child button")
    check("a bundled picture: the caption is capdemo's", captioned("the bus") == WANTED[1]["caption"], text_of("#caption"))
    b.run("const r = document.getElementById('beams'); r.focus()")
    b.press("Left")
    b.press("Left")
    b.wait("three captions", "return document.querySelectorAll('#others li').length === 3")
    check("3 beams: the caption is capdemo's", captioned("the bus again") == WANTED[2]["caption"], text_of("#caption"))
    check("and the width is said", text_of("#width") == "3")
    for event, give in ("drop", "dataTransfer"), ("paste", "clipboardData"):
        fresh()
        b.run("""const [kind, bytes] = arguments, data = new DataTransfer();
            return fetch('pictures/bus.jpg').then(r => r.blob()).then(blob => {
              data.items.add(new File([blob], 'bus.jpg', { type: 'image/jpeg' }));
              document.getElementById('drop').dispatchEvent(kind === 'drop'
                ? new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true })
                : new ClipboardEvent(kind, { clipboardData: data, bubbles: true }));
            })""", event, give)
        check(event + ": the caption is capdemo's", captioned(event) == WANTED[1]["caption"], text_of("#caption"))
    fresh()
    b.click("#camera")
    b.wait("the camera", "return !document.getElementById('shoot').disabled")
    check_access(b, "the camera")
    b.picture(SHOTS + "/page-camera.png")
    b.click("#shoot")
    check("the camera's picture is captioned", captioned("the camera's picture"))
    check("and the camera is off", b.run("return document.getElementById('video').srcObject === null && !document.getElementById('booth').open"))


def copy():
    b.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"], origin=URL.rstrip("/"))
    b.click("#copy")
    b.wait("the copy", "return document.getElementById('copied').textContent")
    check("copy as alternative text", text_of("#copied") == "Copied.", text_of("#copied"))
    seen = b.run("return navigator.clipboard.readText()")
    check("and it is the caption", seen == b.run(CAPTION), seen)


def errors():
    fresh()
    shown = "const e = document.getElementById('error'); return e.checkVisibility() && document.getElementById('reason').textContent"
    b.type("#file", os.path.abspath("README.md"))
    said = b.wait("an error", shown)
    check("a text file: an error in words", said.startswith("This is no picture that can be read: "), said)
    check_access(b, "an error")
    b.picture(SHOTS + "/page-error.png")
    large = os.path.join(FOLDER, "large.jpg")
    with open(large, "wb") as file:
        file.write(open(BUS, "rb").read() + bytes(300000))
    b.type("#file", large)
    b.wait("another error", shown + " && document.getElementById('reason').textContent.includes('large')")
    check("a large file: an error in words", True)
    b.run("""window.real = window.fetch; window.said = []; let left = 2;
        new MutationObserver(() => said.push(document.getElementById('message').textContent))
          .observe(document.getElementById('message'), { childList: true });
        window.fetch = (...a) => left-- > 0 ? Promise.resolve(new Response('{}', { status: 503, headers: { 'Retry-After': '1' } })) : real(...a)""")
    b.type("#file", BUS)
    check("a busy service is asked again", captioned("a caption in the end") == WANTED[1]["caption"], text_of("#caption"))
    check("and the page says so", "The service is busy. Trying again in 1 second …" in b.run("return said"), b.run("return said"))
    b.run("window.fetch = () => Promise.reject(new TypeError('no'))")
    b.type("#file", BUS)
    b.wait("no service", shown + " && document.getElementById('reason').textContent.includes('reached')")
    b.run("window.fetch = real")
    b.click("#again")
    check("a service that comes back: try again", captioned("the caption after all") == WANTED[1]["caption"], text_of("#caption"))


def keyboard():
    """From the top of the page to a word's map with the keyboard alone; every stop shows where it is."""
    fresh()
    stops, hidden = [], []

    def tab():
        b.press("Tab")
        stops.append(focused())
        style = b.run("""const e = document.activeElement, seen = e.matches('.unseen') ? e.nextElementSibling : e, s = getComputedStyle(seen);
            return [s.outlineStyle, parseFloat(s.outlineWidth), seen.getBoundingClientRect().width]""")
        if style[0] == "none" or style[1] < 2 or style[2] < 24:
            hidden.append([stops[-1], style])

    for _ in range(30):
        tab()
        if "bus.jpg" in stops[-1]:
            break
    check("Tab leads past the file and the camera to the pictures", "file" in stops and "camera" in stops and "bus.jpg" in stops[-1], stops)
    b.press("Enter")
    caption = captioned("the bus")
    for _ in range(30):
        tab()
        if b.run("return document.activeElement.matches('#caption button:nth-of-type(2)')"):
            break
    check("and to the words, whose map shows", b.run(INK), stops)
    b.press("Space")
    check("Space keeps the map", b.run("return document.activeElement.getAttribute('aria-pressed')") == "true")
    for _ in range(40):
        tab()
        if stops[-1] == "beams":
            break
    check("and to everything else", "copy" in stops and stops[-1] == "beams", stops)
    check("each with a visible focus", not hidden, hidden)
    check("the caption is capdemo's", caption == WANTED[1]["caption"], caption)


def unshown():
    """A picture that the service reads and the browser doesn't: TIFF."""
    fresh()
    b.type("#file", os.path.abspath("test/pictures/plain.tif"))
    b.wait("an answer", "return document.getElementById('message').textContent === '' && "
           "!(document.getElementById('error').hidden && document.getElementById('result').hidden)")
    if b.run("return document.getElementById('result').hidden"):
        check("a picture that the browser can't show # SKIP this build has TIFF=0", "no picture" in text_of("#reason"))
    else:
        check("a picture that the browser can't show", b.run("return document.getElementById('unshown').checkVisibility() && document.getElementById('figure').hidden"))


def token(url, secret):
    """A service that asks for a token."""
    b.go(url)
    b.click(".examples li:first-child button")
    b.wait("the token's field", "return document.activeElement.id === 'token'")
    check_access(b, "a token is wanted")
    b.type("#token", secret)
    b.press("Enter")
    check("with the token there is a caption", captioned("a caption") == WANTED[1]["caption"], text_of("#caption"))


def looks():
    for scheme in "light", "dark":
        for width, height in (1100, 900), (360, 800):
            b.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            b.size(width, height)
            fresh()
            name = "%s-%d" % (scheme, width)
            b.picture("%s/page-%s-start.png" % (SHOTS, name))
            b.click(".examples li:first-child button")
            captioned(name)
            b.run("document.querySelectorAll('#caption button')[4].click()")
            check_access(b, name)
            b.picture("%s/page-%s.png" % (SHOTS, name))
    check("no motion where none is wanted", b.run("""const m = document.getElementById('message'); m.className = 'busy';
        const name = getComputedStyle(m, '::after').animationName; return name""") == "none")
    b.media(prefers_reduced_motion="no-preference")
    check("and some where it may be", b.run("return getComputedStyle(document.getElementById('message'), '::after').animationName") == "busy")


try:
    upload()
    maps()
    ways()
    copy()
    errors()
    unshown()
    keyboard()
    looks()
    token(*sys.argv[5:7])
    b.go(URL + "docs")
    check_access(b, "the description for programs")
    b.picture(SHOTS + "/page-docs.png")
    # errors that were asked for, and advice on how this file reads a canvas
    said = [x for x in b.complaints() if not any(y in x for y in ("400 (Bad Request)", "413", "401", "willReadFrequently"))]
    check("the browser has nothing to complain of", not said, said)
finally:
    b.close()
finish()
