"""A small proxy before the hub, for software that knows of bearer tokens only.

It gives each request that comes with `Authorization: Bearer` the proof of its token's key that the hub wants (DPoP,
RFC 9449), made for that one request, and once more where the hub wants another nonce. Everything else, and every answer, goes
through as it is.
"""

import base64
import hashlib
import http.client
import http.server
import threading
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authenticate"}


def letters(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """The key of everybody who asks here, and its proofs."""

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        point = self.private.public_key().public_numbers()
        self.public = {"crv": "P-256", "kty": "EC", "x": letters(point.x.to_bytes(32, "big")),
                       "y": letters(point.y.to_bytes(32, "big"))}
        told = '{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}'.format(**self.public)
        self.thumbprint = letters(hashlib.sha256(told.encode()).digest())

    def proof(self, method, address, token, nonce):
        claims = {"htm": method, "htu": address, "iat": int(time.time()), "jti": str(uuid.uuid4()), "nonce": nonce,
                  "ath": letters(hashlib.sha256(token.encode()).digest())}
        return jwt.encode(claims, self.private, "ES256", headers={"typ": "dpop+jwt", "jwk": self.public})


class Proxy:
    """Listens on a loopback port of its own, for the hub at `base` that calls itself `issuer`."""

    def __init__(self, base, issuer, key):
        self.issuer, self.key, self.nonce = issuer, key, ""
        self.hub = base.removeprefix("http://")
        handler = type("Handler", (Handler,), {"proxy": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = "http://127.0.0.1:%d" % self.server.server_address[1]

    def proved(self, method, target, token):
        """The headers that prove a request, with the last nonce."""
        path = target.split("?")[0].split("#")[0]
        proof = self.key.proof(method, self.issuer + path, token, self.nonce)
        return [("Authorization", f"DPoP {token}"), ("DPoP", proof)]

    def ask(self, method, target, headers, body):
        """The hub's answer to one request, however odd, completely received."""
        connection = http.client.HTTPConnection(self.hub, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(body)
            answer = connection.getresponse()
            self.nonce = answer.getheader("DPoP-Nonce") or self.nonce
            return answer.status, answer.reason, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    proxy = None

    def pass_on(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.chunks() if self.headers.get("Transfer-Encoding") else self.rfile.read(length)
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP]
        if self.headers.get("Transfer-Encoding"):
            headers.append(("Content-Length", str(len(body))))
        answer = self.proved(headers, body)
        self.answer(*answer)

    def proved(self, headers, body):
        shown = [value for name, value in headers if name.lower() == "authorization"]
        if len(shown) != 1 or not shown[0].startswith("Bearer "):
            return self.proxy.ask(self.command, self.path, headers, body)
        plain = [(name, value) for name, value in headers if name.lower() not in ("authorization", "dpop")]
        for _ in range(2):
            proof = self.proxy.proved(self.command, self.path, shown[0].removeprefix("Bearer "))
            answer = self.proxy.ask(self.command, self.path, plain + proof, body)
            if "use_dpop_nonce" not in dict(answer[2]).get("www-authenticate", ""):
                break
        return answer

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, reason, headers, body):
        self.send_response_only(status, reason)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def log_message(self, *_):
        """Nothing: an address holds an NHS number."""

    def __getattr__(self, name):
        # Whatever the method is called, the hub says what it thinks of it.
        if name.startswith("do_"):
            return self.pass_on
        raise AttributeError(name)
