"""Sends the service requests that no honest client sends, and sees to a clear status each time:
    python3 hostile_requests.py PORT PICTURE
The service runs with --max-bytes 1M and --timeout 2.  Prints TAP lines."""

import re
import socket
import sys
import threading
import time

PORT, PICTURE = int(sys.argv[1]), open(sys.argv[2], "rb").read()
failed = False


def connect():
    s = socket.create_connection(("127.0.0.1", PORT), timeout=20)
    return s


def read_all(s):
    """All that the service sends until it closes, or until nothing comes for a while."""
    data = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
    except (ConnectionResetError, TimeoutError):
        pass
    return data


def read_answer(s):
    """One answer whose size is announced."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = s.recv(65536)
        if not piece:
            return data
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    size = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    while len(body) < size:
        piece = s.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


def statuses(data):
    return [int(number) for number in re.findall(rb"HTTP/1\.1 (\d+)", data)]


def check(name, good, seen):
    global failed
    if good:
        print("ok - " + name)
    else:
        failed = True
        print("not ok - %s\n# %r" % (name, seen))


def ask(raw):
    s = connect()
    try:
        s.sendall(raw)
    except (BrokenPipeError, ConnectionResetError):
        pass
    data = read_answer(s)
    s.close()
    return data


def expect(name, raw, status, part=b""):
    data = ask(raw)
    check(name, statuses(data)[:1] == [status] and part in data, data[:400])


def post(body, kind="multipart/form-data; boundary=b", path="/caption", more=""):
    head = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
    return (head % (path, kind, len(body), more)).encode("latin-1") + body


def form(data, name='name="file"; filename="a.jpg"', end=b"\r\n--b--\r\n"):
    return b"--b\r\nContent-Disposition: form-data; " + name.encode() + b"\r\n\r\n" + data + end


GOOD = post(form(PICTURE))
expect("a good request is captioned", GOOD, 200, b'"caption":')

# bodies
for cut in (10, 80, len(form(PICTURE)) // 2, len(form(PICTURE)) - 6):
    expect("a form cut at %d bytes" % cut, post(form(PICTURE)[:cut]), 400, b"error parsing the body")
expect("a wrong boundary", post(form(PICTURE), "multipart/form-data; boundary=c"), 400)
expect("no boundary", post(form(PICTURE), "multipart/form-data"), 400, b"Missing boundary")
expect("an endless boundary", post(form(PICTURE), "multipart/form-data; boundary=" + "b" * 300), 400)
expect("an empty form", post(b"--b--\r\n"), 422, b'"missing"')
expect("an empty body", post(b""), 400)
expect("no body", b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 422, b'"missing"')
expect("an empty file", post(form(b"")), 400, b"could not decode image")
expect("a zip", post(form(b"PK\3\4" + bytes(3000))), 400, b"could not decode image")
expect("a text for a file", post(form(b"hello", 'name="file"')), 422, b"Expected UploadFile")
expect("another field", post(form(PICTURE, 'name="files"; filename="a"')), 422)
expect("65 files", post(b"".join(form(b"x", end=b"\r\n") for _ in range(65)) + b"--b--\r\n"), 400, b"Too many files")
expect("a name with quotes, newlines' escapes and bytes", post(form(PICTURE, 'name="file"; filename="\\"\\\\%0a\xff"')), 200)
expect("a picture as JSON", post(PICTURE, "application/json"), 422)
expect("a picture without a type", post(PICTURE, ""), 422)
expect("half a picture", post(PICTURE[: len(PICTURE) // 2], "image/jpeg"), 200, b'"warning"')
expect("a stub of a picture", post(PICTURE[:30], "image/jpeg"), 400)

# sizes
expect("2 GB are announced", b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 2147483648\r\n\r\n", 413)
expect("more than there are numbers", b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413)
expect("a size that is no number", b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400)
data = ask(post(b"x" * (1 << 20) + b"y", "image/png", more="Expect: 100-continue\r\n"))
check("a byte too much is refused before it is sent", statuses(data)[:1] == [413], data[:200])
s = connect()
s.sendall(b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n")
sent = 0
try:
    while sent < 64 << 20:
        s.sendall(b"10000\r\n" + b"z" * 65536 + b"\r\n")
        sent += 65536
except OSError:
    pass
data = read_all(s)
check("chunks without end are cut", sent < 16 << 20, sent)
check("with 413", statuses(data)[:1] in ([413], []), data[:200])
s = connect()
s.sendall(b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n")
s.sendall(b"110000\r\n" + b"z" * 0x110000 + b"\r\n")
data = read_all(s)
check("chunks that are too much: 413", statuses(data)[:1] == [413] and b"too large" in data, data[:200])
chunk = b"%x\r\n" % len(PICTURE) + PICTURE + b"\r\n0\r\n\r\n"
expect("a picture in chunks", b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, 200)
expect("a body with GET", b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200)

# headers, paths and parameters
expect("a flood of headers", b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 60) for i in range(2000)) + b"\r\n", 431)
data = ask(b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
check("an address without end", statuses(data)[:1] in ([414], [431]), data[:200])
data = ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n")
check("TLS to a port without", statuses(data) == [] or statuses(data)[0] >= 400, data[:200])
expect("an unknown path", b"GET /etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404)
expect("a way up", b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404)
expect("a coded way up", b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404)
expect("an unknown method", b"BREW /caption HTTP/1.1\r\nHost: x\r\n\r\n", 405, b"Allow: POST")
expect("DELETE", b"DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n", 405, b"Allow: GET, HEAD")
data = ask(post(form(PICTURE), path="/caption?beam_width=%33&max_len=%31%30"))
check("percent signs in parameters", statuses(data) == [200] and b'"beam_width":3' in data, data[:300])
for value in ("%", "%zz", "3%00", "%ff%fe", "<script>", "1e1", "0x3", "99999999999999999999", "--3", "3;4", "٣"):
    data = ask(post(form(PICTURE), path="/caption?beam_width=" + value.encode().decode("latin-1")))
    check("beam_width=" + ascii(value), statuses(data)[:1] in ([422], [400]) or value == "3%00", data[:300])
data = ask(post(form(PICTURE), path="/caption?beam_width=" + "9" * 5000))
check("a number of 5000 digits", statuses(data) == [422] and len(data) < 2000, data[:300])

# several at once
s = connect()
s.sendall(GOOD + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD)
data = b""
while len(statuses(data)) < 3:
    piece = s.recv(65536)
    if not piece:
        break
    data += piece
check("three requests in a row at once", statuses(data) == [200, 200, 200], data)
s.close()
before = [connect() for _ in range(200)]
expect("200 silent connections keep nobody from an answer", GOOD, 200)
for s in before:
    s.close()

# slow ones
s, start = connect(), time.monotonic()
s.sendall(b"POST /caption HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n")


def drip(s, seconds):
    try:
        for _ in range(seconds * 5):
            s.sendall(b"a")
            time.sleep(0.2)
    except OSError:
        pass


thread = threading.Thread(target=drip, args=(s, 8))
thread.start()
data = read_all(s)
check("a byte now and then: 408", statuses(data)[:1] == [408], data)
check("after the time that is given", 1.5 < time.monotonic() - start < 7, time.monotonic() - start)
s.close()
thread.join()
s, start = connect(), time.monotonic()
s.sendall(b"GET /health HT")
data = read_all(s)
check("half a line and silence: closed", 1.5 < time.monotonic() - start < 7, time.monotonic() - start)
s.close()
for _ in range(50):
    s = connect()
    s.sendall(GOOD[: len(GOOD) // 2])
    s.close()
for _ in range(20):
    s = connect()
    s.sendall(GOOD)
    s.close()
expect("after clients that went away others are answered", GOOD, 200)
for _ in range(20):
    data = ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    if b"capserve_active_requests 1\n" in data and b"capserve_body_bytes 0\n" in data:
        break
    time.sleep(0.05)
check("and nothing is left of them", b"capserve_active_requests 1\n" in data and b"capserve_body_bytes 0\n" in data, data)
sys.exit(failed)
