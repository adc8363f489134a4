"""A host to download from, on this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(range(256)) * 4096  # 1 MiB


class Host(ThreadingHTTPServer):
    """A host of one file, its ``body``, which can break off and can ignore Range."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/clips.zip"
        self.body = BODY
        self.break_after: int | None = None  # bytes of a reply
        self.ranges = True
        self.shift = 0  # bytes by which a range begins at another place than asked for
        self.chunked = False
        self.length: str | None = None  # a Content-Length that is not the body's
        self.location: str | None = None  # where it redirects to
        self.status = 200
        self.stalls: threading.Event | None = None  # what a reply waits for in its middle
        self.asked: list[str | None] = []  # the Range header of each request


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Host

    def do_GET(self) -> None:
        host = self.server
        asked = self.headers["Range"]
        host.asked.append(asked)
        self.close_connection = True
        if host.status != 200:
            self.send_error(host.status)
            return
        if host.location is not None:
            self.send_response(302)
            self.send_header("Location", host.location)
            self.end_headers()
            return
        body, start = host.body, 0
        if asked and host.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-")) + host.shift
            body = host.body[start:]
            if not body:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(host.body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(host.body) - 1}/{len(host.body)}")
        else:
            self.send_response(200)
        if host.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", host.length or str(len(body)))
        self.end_headers()
        sent = body[: host.break_after]
        if host.chunked:
            self.wfile.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
            if host.break_after is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)
        if host.stalls:
            host.stalls.wait(5)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Host]:
    """A host that answers until the block ends."""
    with Host() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
