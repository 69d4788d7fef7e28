"""A relay between a MESH client and the sandbox, behind TLS at both sides, that loses what it is told to lose.

    relay.py SANDBOX_PORT SANDBOX_AUTHORITY CERTIFICATE KEY CALLERS_AUTHORITY OWN_CERTIFICATE OWN_KEY SEED PERCENT [STAMP]

Whatever method and path contain a line of the file that the variable CPIS_RELAY_BAD names is answered with 503, while that file is
there. With a STAMP (yyyymmddHHMM) whoever says another time, by more than half an hour, is refused with 403, as MESH does. Of PERCENT of the requests one of four becomes: 503 at once; nothing at once; done, and 503 all the same; done, and no answer. Prints its
port. Everything that passes is a line of standard error: method, path, what was done, the true status."""

import http.client
import os
import random
import ssl
import sys
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, theirs, certificate, key, callers, own, own_key, seed, percent, *stamp = sys.argv[1:]
chance = random.Random(int(seed))
turn = threading.Lock()
outward = ssl.create_default_context(cafile=theirs)
outward.check_hostname = False
outward.load_cert_chain(own, own_key)


class Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def relayed(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if stamp and self.is_off():
            self.noted("refused", 403)
            self.send_response_only(403)
            self.send_header("content-length", "0")
            return self.end_headers()
        if self.is_bad():
            return self.broken("503 bad", 0)
        with turn:
            fails = chance.random() * 100 < float(percent)
            how = chance.choice(["503 before", "lost before", "503 after", "lost after"]) if fails else ""
        if how.endswith("before"):
            return self.broken(how, 0)
        sandbox = http.client.HTTPSConnection("127.0.0.1", int(port), context=outward, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        sandbox.request(self.command, self.path, body or None, headers)
        answer = sandbox.getresponse()
        content = answer.read()
        sandbox.close()
        if how:
            return self.broken(how, answer.status)
        self.noted("passed", answer.status)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def is_bad(self):
        try:
            with open(os.environ["CPIS_RELAY_BAD"]) as file:
                bad = file.read()
        except (KeyError, FileNotFoundError):
            return False
        return any(line in f"{self.command} {self.path}" for line in bad.splitlines())

    def is_off(self):
        said = (self.headers.get("authorization") or "").split(":")
        read = lambda text: datetime.strptime(text, "%Y%m%d%H%M")
        return len(said) != 5 or abs(read(said[3]) - read(stamp[0])) > timedelta(minutes=30)

    def broken(self, how, status):
        self.noted(how, status)
        if how.startswith("503"):
            self.send_response_only(503)
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            self.close_connection = True

    def noted(self, how, status):
        print(self.command, self.path, how, status, file=sys.stderr, flush=True)

    do_GET = do_POST = do_PUT = do_HEAD = relayed


server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
inward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
inward.load_cert_chain(certificate, key)
inward.load_verify_locations(callers)
inward.verify_mode = ssl.CERT_REQUIRED
# The handshake belongs to the connection's own thread.
server.socket = inward.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_port, flush=True)
server.serve_forever()
