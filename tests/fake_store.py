"""An object store on this machine: what a program does with gs:// happens in a dict.

It has what a real one has: whole objects, a generation for each, listings by prefix. It
lacks what a real one lacks: folders, appending, renaming. TensorStore reaches it over
HTTP, by its own driver; etils.epath through fsspec, as it does with gcsfs.
"""

import contextlib
import io
import json
import threading
import urllib.parse
from http import server

import fsspec
from etils.epath import backend

OBJECTS = {}
"""Bytes and generation by name, ``bucket/folder/file``."""

ASKED = []
"""Verb and name of what was written and removed, in order."""

_LOCK = threading.Lock()


def put(name, content):
    with _LOCK:
        generation = OBJECTS.get(name, (b"", 0))[1] + 1
        OBJECTS[name] = bytes(content), generation
        ASKED.append(("put", name))
    return generation


def remove(name):
    with _LOCK:
        ASKED.append(("remove", name))
        return OBJECTS.pop(name, None)


class FakeStore(fsspec.AbstractFileSystem):
    """The store as a file system of fsspec; a folder is what has objects below it."""

    protocol = ("gs", "gcs")

    def _name(self, path):
        return self._strip_protocol(path).strip("/")

    def ls(self, path, detail=True, **kwargs):
        name = self._name(path)
        if name in OBJECTS:
            found = {name: self.info(name)}
        else:
            below = [key for key in list(OBJECTS) if key.startswith(f"{name}/")]
            heads = {key[len(name) + 1 :].partition("/")[0] for key in below}
            found = {f"{name}/{head}": self.info(f"{name}/{head}") for head in heads}
            if not found:
                raise FileNotFoundError(path)
        return list(found.values()) if detail else list(found)

    def info(self, path, **kwargs):
        name = self._name(path)
        if name in OBJECTS:
            return {"name": name, "size": len(OBJECTS[name][0]), "type": "file"}
        if any(key.startswith(f"{name}/") for key in list(OBJECTS)):
            return {"name": name, "size": 0, "type": "directory"}
        raise FileNotFoundError(path)

    def _open(self, path, mode="rb", **kwargs):
        name = self._name(path)
        if mode == "rb":
            if name not in OBJECTS:
                raise FileNotFoundError(path)
            return io.BytesIO(OBJECTS[name][0])
        if mode != "wb":
            raise io.UnsupportedOperation(f"a store has no mode {mode!r}")
        return _Upload(name)

    def cp_file(self, path1, path2, **kwargs):
        if self._name(path1) in OBJECTS:  # a folder is nothing that could be copied
            put(self._name(path2), OBJECTS[self._name(path1)][0])

    def rm_file(self, path):
        if self._name(path) in OBJECTS:
            remove(self._name(path))

    def rmdir(self, path):
        """There are no folders to remove."""


class _Upload(io.BytesIO):
    """An object that is there when it is closed."""

    def __init__(self, name):
        super().__init__()
        self._name = name

    def close(self):
        if not self.closed:
            put(self._name, self.getvalue())
        super().close()


class _Handler(server.BaseHTTPRequestHandler):
    """The part of the JSON interface of Cloud Storage that TensorStore uses."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        """Say nothing."""

    def _answer(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _read(self):
        url = urllib.parse.urlsplit(self.path)
        self.asked = dict(urllib.parse.parse_qsl(url.query))
        bucket, _, name = url.path.partition("/b/")[2].partition("/o")
        return f"{bucket}/{urllib.parse.unquote(name.strip('/'))}"

    def _is_refused(self, name):
        generation = OBJECTS.get(name, (b"", 0))[1]
        wanted = self.asked.get("ifGenerationMatch")
        return wanted is not None and int(wanted) != generation

    def do_GET(self):
        name = self._read()
        if name.endswith("/"):
            start = name + self.asked.get("prefix", "")
            found = [
                {"name": key[len(name) :], "size": str(len(content))}
                for key, (content, _) in sorted(OBJECTS.items())
                if key.startswith(start)
            ]
            self._answer(200, json.dumps({"items": found}).encode())
        elif name not in OBJECTS:
            self._answer(404)
        else:
            content, generation = OBJECTS[name]
            if self.asked.get("ifGenerationNotMatch") == str(generation):
                self._answer(304)
                return
            status, more = 200, {}
            if wanted := self.headers.get("Range"):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                size = len(content)
                begin = int(first) if first else size - int(last)
                end = min(int(last) + 1, size) if first and last else size
                more = {"Content_Range": f"bytes {begin}-{end - 1}/{size}"}
                status, content = 206, content[begin:end]
            self._answer(status, content, x_goog_generation=generation, **more)

    def do_POST(self):
        name = self._read() + self.asked["name"]
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_refused(name):
            self._answer(412)
            return
        found = {"name": self.asked["name"], "generation": str(put(name, content))}
        self._answer(200, json.dumps(found | {"size": str(len(content))}).encode())

    def do_DELETE(self):
        name = self._read()
        if self._is_refused(name):
            self._answer(412)
        else:
            self._answer(204 if remove(name) else 404)


class _PlainBucket:
    """A bucket without folders of its own, which Orbax asks for."""


@contextlib.contextmanager
def fake_store(monkeypatch):
    """The empty store in place of gs:// for etils.epath, TensorStore and Orbax."""
    from orbax.checkpoint._src.path import gcs_utils

    OBJECTS.clear()
    ASKED.clear()
    fsspec.register_implementation("gcs", FakeStore, clobber=True)
    backend.fsspec_backend._get_filesystem.cache_clear()
    monkeypatch.setattr(gcs_utils, "get_bucket", lambda name: _PlainBucket())
    with server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        url = f"http://127.0.0.1:{http.server_address[1]}"
        monkeypatch.setenv("TENSORSTORE_GCS_HTTP_URL", url)
        monkeypatch.setenv("GOOGLE_AUTH_TOKEN_FOR_TESTING", "anybody")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield OBJECTS
        finally:
            http.shutdown()
            thread.join()
            backend.fsspec_backend._get_filesystem.cache_clear()
