"""A provider that asks nothing: it says of whoever comes that they are one nurse, as CIS2 says it. That the hub gets on with
providers that are not ours is judged elsewhere (`tests/signin`)."""

import base64
import http.server
import json
import threading
import time
import urllib.parse
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

NURSE = {
    "sub": "subject-1", "nhsid_useruid": "910000000001", "name": "Sam Okafor", "selected_roleid": "555021935107",
    "nhsid_nrbac_roles": [{
        "person_orgid": "1", "person_roleid": "555021935107", "org_code": "RN3", "role_code": "S8000:G8000:R8001",
        "role_name": '"Clinical":"Clinical Provision":"Nurse Access Role"', "activity_codes": ["B0107", "B0264"]}],
    "nhsid_user_orgs": [{"org_code": "RN3", "org_name": "Great Western Hospital"}],
}


class Provider:
    """Listens on a loopback port of its own."""

    def __init__(self):
        self.key, self.asked = ec.generate_private_key(ec.SECP256R1()), {}
        handler = type("Handler", (Handler,), {"provider": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.issuer = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def settings(self, folder):
        """The table for the hub's configuration; its secret beside it."""
        (folder / "secret").write_text("known to two")
        (folder / "secret").chmod(0o600)
        return (f'[provider]\nissuer = "{self.issuer}"\nclient_id = "cpis-hub"\nsecret = "secret"\n'
                '[[provider.level]]\nacr = "AAL3_ANY"\nidle_minutes = 15\nwhole_hours = 12\n')

    def public(self):
        point = self.key.public_key().public_numbers()
        x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "one", "alg": "ES256", "use": "sig"}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One question."""

    provider = None

    def do_GET(self):
        path, _, query = self.path.partition("?")
        it = self.provider
        if path == "/authorize":
            asked = dict(urllib.parse.parse_qsl(query))
            code = str(uuid.uuid4())
            it.asked[code] = asked["nonce"]
            said = urllib.parse.urlencode({"code": code, "state": asked["state"], "iss": it.issuer})
            return self.say(303, {}, ("Location", f"{asked['redirect_uri']}?{said}"))
        if path == "/keys":
            return self.say(200, {"keys": [it.public()]})
        if path == "/person":
            return self.say(200, NURSE)
        return self.say(200, {
            "issuer": it.issuer, "authorization_endpoint": f"{it.issuer}/authorize", "token_endpoint": f"{it.issuer}/token",
            "userinfo_endpoint": f"{it.issuer}/person", "jwks_uri": f"{it.issuer}/keys", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": True})

    def do_POST(self):
        sent = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        now = int(time.time())
        claims = {"iss": self.provider.issuer, "aud": "cpis-hub", "sub": NURSE["sub"], "sid": "1", "iat": now, "exp": now + 300,
                  "auth_time": now - 60, "acr": "AAL3_ANY", "nonce": self.provider.asked.pop(sent["code"])}
        token = jwt.encode(claims, self.provider.key, "ES256", headers={"kid": "one"})
        self.say(200, {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})

    def say(self, status, body, *headers):
        body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
