"""The page of capdemo --html in a browser:
    python3 report.py REPORT.html FOLDER SCREENSHOTS
FOLDER is for temporary files.  The report has two drawn scenes, a boat and a bus, and a file that is no picture.
Prints TAP lines."""

import os
import sys

from browser import Browser, check, check_access, finish

REPORT, FOLDER, SHOTS = sys.argv[1:4]
INK = """const c = document.querySelectorAll('article canvas')[1];
return c.width === 112 && c.getContext('2d').getImageData(0, 0, 112, 112).data.some(v => v > 0)"""
SHOWN = "return [...document.querySelectorAll('article')].filter(a => !a.hidden).length"
BUS = "article:nth-child(2) "
b = Browser(FOLDER)


def look(name):
    b.go("file://" + os.path.abspath(REPORT))
    b.wait("the pictures", "return [...document.querySelectorAll('article img')].every(i => i.complete && i.naturalWidth > 0)")
    b.picture("%s/report-%s.png" % (SHOTS, name))
    check_access(b, "the report, " + name)


def text_of(selector):
    return b.run("return document.querySelector(arguments[0]).textContent", selector)


try:
    look("wide")
    check("three images are counted", text_of("#count") == "(3)", text_of("#count"))
    check("all captions are listed", len(b.all(BUS + ".others li")) == 5)
    alt = b.run("return document.querySelectorAll('article img')[1].alt")
    check("the caption is the alternative text", alt.startswith("a picture of a blue bus"), alt)
    check("a file that is no image has its reason", "README.md" in text_of("article:nth-child(3) .bad"))
    check("no map without a word", not b.run(INK))
    b.hover(BUS + ".words button:nth-of-type(6)")
    check("a word that is pointed at shows its map", b.run(INK) and text_of(BUS + ".words .shown") == "bus")
    b.picture(SHOTS + "/report-map.png")
    b.hover("h1")
    check("and no more when it isn't", not b.run(INK))
    b.run("document.querySelectorAll('article')[1].querySelectorAll('.words button')[5].focus()")
    check("a word that has the focus shows its map", b.run(INK))
    b.type("#controls select", "Grad-CAM")
    b.press("Tab")
    b.run("document.querySelectorAll('article')[1].querySelectorAll('.words button')[5].focus()")
    check("of another kind", b.run(INK))
    b.type("#filter", "BUS chair")
    check("the filter leaves one image", b.run(SHOWN) == 1 and text_of("#count") == "(1 of 3)", text_of("#count"))
    check("nothing is loaded", b.run("return performance.getEntriesByType('resource').every(e => e.name.startsWith('data:'))"))
    b.size(360, 800)
    b.media(prefers_color_scheme="dark")
    look("phone-dark")
    said = [x for x in b.complaints() if "willReadFrequently" not in x]
    check("the browser has nothing to complain of", not said, said)
finally:
    b.close()
finish()
