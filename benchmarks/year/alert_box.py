"""A place on this machine that takes alerts by POST, and can be down for a night."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class AlertBox:
    """Use as a context manager; ``url`` is its address.

    Attributes
    ----------
    down : every call is answered 503
    taken : alerts that arrived, as dicts, in order; the same Idempotency-Key is taken once
    """

    def __init__(self) -> None:
        self.down = False
        self.taken: list[dict] = []
        self.keys: set[str] = set()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/alerts"

    def __enter__(self) -> "AlertBox":
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()


def _handler_of(box: AlertBox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if box.down:
                self.send_response(503)
            else:
                key = self.headers.get("Idempotency-Key", "")
                if not key or key not in box.keys:
                    box.keys.add(key)
                    box.taken += body["alerts"]
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
