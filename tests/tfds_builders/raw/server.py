"""A web server on this machine that serves files, and misbehaves as it is told."""

import collections
import contextlib
import http.server
import re
import threading


class Site:
    """Files by path, and what goes wrong with them.

    Attributes:
      files: content by path, such as ``{"/a.mp4": b"..."}``.
      statuses: answers to give first, by path: ``{"/a.mp4": [503, 503]}``.
      cuts: by path, the bytes after which a connection is closed, None for never, for
        its first requests.
      held: the path whose second answer stops half way, "" for none; it then sets
        `reached` and waits for `released`.
      requests: paths that were asked for, with the first byte.
    """

    def __init__(self, files):
        self.files, self.address = files, ""
        self.statuses, self.cuts = {}, {}
        self.held = ""
        self.reached, self.released = threading.Event(), threading.Event()
        self.requests = []

    def url(self, path):
        return f"{self.address}{path}"

    @property
    def counts(self):
        return collections.Counter(path for path, _ in self.requests)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(ConnectionError):  # who asks may leave
            super().handle()

    def do_GET(self):
        site = self.server.site
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first = int(found[1]) if found else 0
        site.requests.append((self.path, first))
        answers = site.statuses.get(self.path) or []
        content = site.files.get(self.path)
        if answers or content is None:
            self.answer(answers.pop(0) if answers else 404, b"")
            return
        last = int(found[2]) if found and found[2] else len(content) - 1
        part = content[first : last + 1]
        headers = {"Accept-Ranges": "bytes"}
        if found:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        cuts = site.cuts.get(self.path)
        cut = cuts.pop(0) if cuts else None
        self.answer(206 if found else 200, part, headers, cut)

    def answer(self, status, content, headers=(), cut=None):
        self.send_response(status)
        known = {b"<html": "text/html", b"<MPD ": "application/dash+xml"}
        kind = known.get(bytes(content[:5]), "video/mp4")
        for name, value in {"Content-Type": kind, **dict(headers)}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        site = self.server.site
        if self.path == site.held and site.counts[self.path] == 2:
            self.wfile.write(content[: len(content) // 2])
            site.reached.set()
            site.released.wait()
            content = content[len(content) // 2 :]
        self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True


@contextlib.contextmanager
def serve(files):
    """A `Site` that answers as long as the context lasts."""
    site = Site(files)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.site = site
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
