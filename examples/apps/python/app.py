"""A web application that needs nothing but Python itself."""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        application = json.loads(os.environ.get("VCAP_APPLICATION", "{}"))
        body = json.dumps({
            "hello": "from Python",
            "application": application.get("application_name"),
            "instance": os.environ.get("CF_INSTANCE_INDEX"),
            "path": self.path,
        }).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        print(format % args, flush=True)


def main():
    server = ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Page)
    # `shutdown` waits for the loop, so it cannot be called from the loop's own thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
    print("told to end", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
