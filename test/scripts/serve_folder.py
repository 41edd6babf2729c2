"""A web server for test_weights.sh: serve_folder.py FOLDER PORT_FILE LOG_FILE

The first part of a path says how the server behaves, the rest names a file of FOLDER:
    /plain/    serves files, and ranges of them
    /cut/      likewise, but closes the first connection for a .pth in the middle
    /whole/    the same without ranges
    /page/     a web page, whatever is asked for
    /huge/     announces far more than any disk holds
    /few/      has no JSON files
    /none/     has nothing
Writes its port into PORT_FILE, and a line for each GET into LOG_FILE: path, status, first byte, bytes sent.
"""
import http.server
import os
import re
import socketserver
import sys

FOLDER, PORT_FILE, LOG_FILE = sys.argv[1:]
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
cut_already = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def answer(self, status, body, first=0, whole=None, announced=None, sent=None):
        """Sends body[:sent], while the header promises `announced` bytes."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (first, whole - 1, whole))
        self.end_headers()
        if self.command == "HEAD":
            return
        body = body[:sent]
        with open(LOG_FILE, "a") as log:
            log.write("%s %d %d %d\n" % (self.path, status, first, len(body)))
        self.wfile.write(body)

    def do_GET(self):
        _, manner, name = self.path.split("/", 2)
        path = os.path.join(FOLDER, os.path.basename(name))
        if manner == "page":
            self.answer(200, PAGE)
        elif manner == "none" or manner == "few" and name.endswith(".json") or not os.path.isfile(path):
            self.answer(404, b"no such file")
        else:
            with open(path, "rb") as f:
                self.serve(manner, f.read())

    do_HEAD = do_GET

    def serve(self, manner, data):
        sent = None
        if self.command == "GET" and manner in ("cut", "whole") and self.path.endswith(".pth"):
            if self.path not in cut_already:
                cut_already.add(self.path)
                sent = len(data) // 2
        asked = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        if manner == "huge" and self.path.endswith(".pth"):
            self.answer(200, data, announced=10 ** 15)
        elif asked and manner != "whole" and int(asked.group(1)) < len(data):
            first = int(asked.group(1))
            self.answer(206, data[first:], first=first, whole=len(data), sent=sent)
        elif asked and manner != "whole":
            self.answer(416, b"")
        else:
            self.answer(200, data, sent=sent)


# not http.server's own class, which asks for the machine's name first and may wait long for it
server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(PORT_FILE + ".new", "w") as f:
    f.write("%d\n" % server.server_address[1])
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
