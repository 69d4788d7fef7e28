"""The real program on a loopback port with TLS, with synthetic people, and what callers show: the certificate of a registered
program and a bearer token that is bound to it, and nothing that only this hub knows."""

import base64
import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import time
import uuid
from pathlib import Path

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import people
from certificates import Authority
from provider import Provider

PROGRAM = os.environ["CPIS_HUB"]
# Where a machine's environment names authorities, requests asks no others, whatever a session says.
for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(variable, None)
CLIENT, BACK = "judges", "https://judges.example/back"
WEXCOMBE = "E06000030"
CALLERS = f"""
[[client]]
id = "{CLIENT}"
name = "Judges"
organisation_code = "RN3"
redirect_uris = ["{BACK}"]
certificates = ["uri:urn:program:{CLIENT}"]
[[authority]]
code = "{WEXCOMBE}"
certificates = ["uri:urn:ods:{WEXCOMBE}"]
"""
TLS = """
[tls]
certificate = "server.pem"
key = "server-key.pem"
client_certificates = "offered"
client_ca = "authority.pem"
"""
RIGHTS = {"nurse": ["B0264", "B0107"], "midwife": ["B0264", "B0170"], "both": ["B0264", "B0107", "B0170", "B9002"],
          "receptionist": []}
RIGHTS_TABLE = 'rights = { B0264 = ["search-people"], B0107 = ["view-and-notify"], B0170 = ["view-silently"], B9002 = ["privacy-officer"] }\n'
SITE = """
[[site]]
id = "ed"
organisation_code = "RN3"
setting = "Emergency department"
name = "Great Western Hospital"
department = "ED"
contact = "in-person"
"""
# Nobody is refused for asking often but where a story wants it: "other" requests, a hundred at once.
LIMITS = "[limits]\n" + "".join(f"{kind}_per_minute = 1000000\n{kind}_at_once = 1000000\n"
                                for kind in ("views", "retrieves", "searches"))
LIMITS += "searches_per_hour = 1000000\npeople_per_hour = 1000000\n"
RARELY, OFTEN = "others_per_minute = 30\nothers_at_once = 100\n", "others_per_minute = 1000000\nothers_at_once = 1000000\n"


class Hub:
    """A hub of its own, ended with the `with` block. `shown` is the certificate of the registered program with its key, and `trusted` the
    authority of everybody's."""

    def __init__(self, folder, others=OFTEN):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.iterdir():
            old.unlink()
        self.key = ec.generate_private_key(ec.SECP256R1())
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())
        (self.folder / "key.pem").write_bytes(pem)
        (self.folder / "key.pem").chmod(0o600)
        self.certify()
        self.provider = Provider()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        self.base = f"https://{address}"
        (self.folder / "hub.toml").write_text(
            f'listen = "{address}"\nissuer = "{self.base}"\ndatabase = "hub.db"\nsigning_key = "key.pem"\n{RIGHTS_TABLE}{TLS}'
            f"{self.provider.settings(self.folder)}{LIMITS}{others}{CALLERS}{SITE}")
        (self.folder / "people.ndjson").write_text("\n".join(json.dumps(line) for line in people.lines()))
        self.run("load", "people.ndjson", "--synthetic")
        self.begin_sessions()
        self.session = requests.Session()
        self.session.cert, self.session.verify = self.shown, self.trusted
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen([PROGRAM, "serve", "--config", "hub.toml"], cwd=self.folder, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        if not self.process.stdout.readline().startswith("cpis-hub listens on https"):
            raise RuntimeError(f"the hub did not start: {(self.folder / 'log').read_text()}")

    def certify(self):
        """The hub's certificate, the program's and an authority's."""
        authority = Authority("Judges")
        authority.keep(self.folder / "authority.pem")
        authority.issue(self.folder, "server")
        authority.issue(self.folder, "link", f"urn:ods:{WEXCOMBE}")
        issued = authority.issue(self.folder, "program", f"urn:program:{CLIENT}")
        digest = hashlib.sha256(issued.public_bytes(serialization.Encoding.DER)).digest()
        self.thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self.trusted = str(self.folder / "authority.pem")
        self.shown, self.link = (tuple(str(self.folder / f"{name}{part}.pem") for part in ("", "-key"))
                                 for name in ("program", "link"))

    def context(self):
        """As programs are told whom to trust and what to show that do not read files themselves."""
        context = ssl.create_default_context(cafile=self.trusted)
        context.load_cert_chain(*self.shown)
        return context

    def sign_in(self, address):
        """What a person does in a browser, up to the address to which it is sent with the code."""
        browser = requests.Session()
        browser.verify = self.trusted
        page = browser.get(address, timeout=30)
        form = re.search('name="form" value="([^"]+)"', page.text)
        assert form and "Sign in to this program?" in page.text and "Judges" in page.text, page.text
        pressed = browser.post(f"{self.base}/sign-in", data={"form": form[1], "answer": "sign-in"}, timeout=30,
                               headers={"Origin": self.base}, allow_redirects=False)
        assert pressed.status_code == 303 and pressed.headers["Location"].startswith(BACK), pressed.text
        return pressed.headers["Location"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
        self.provider.close()

    def run(self, *arguments):
        """A command of the program; its output."""
        done = subprocess.run([PROGRAM, *arguments, "--config", "hub.toml"], cwd=self.folder, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def begin_sessions(self):
        """A session for each of the callers, in the database itself: one person can sign in here, and callers are several."""
        ever = 2 ** 61
        with self.database() as database:
            for who in RIGHTS:
                database.execute(
                    "INSERT INTO session (id, user_id, user_name, role, role_profile, organisation_code, organisation,"
                    " activities, key, chain, current, rotated_ms, begun_ms, active_ms, idle_ms, over_ms, client)"
                    " VALUES (?, ?, '', '', '', '', '', '', ?, x'', x'', 0, 0, 0, ?, ?, ?)",
                    (f"session-{who}", f"user-{who}", f"x5t:{self.thumbprint}", ever, ever, CLIENT))
        database.close()

    def token(self, who="nurse"):
        now = int(time.time())
        claims = {"iss": self.base, "aud": self.base, "iat": now - 5, "exp": now + 3600, "jti": str(uuid.uuid4()),
                  "sid": f"session-{who}", "sub": f"user-{who}", "name": f"Sam {who.title()}", "role": who,
                  "role_profile": "555021935107", "org_code": "RN3", "org": "Great Western Hospital",
                  "activities": RIGHTS[who], "client_id": CLIENT, "cnf": {"x5t#S256": self.thumbprint}}
        return jwt.encode(claims, self.key, algorithm="ES256")

    def ask(self, path, who="nurse", method="GET", trace=None, **more):
        """Any request, with every header that any address wants."""
        headers = {"TraceID": trace or str(uuid.uuid4()), "X-Request-ID": str(uuid.uuid4())}
        if who:
            headers["Authorization"] = f"Bearer {self.token(who)}"
        headers |= more.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        # A connection for each: some answers end theirs, and nobody is to meet that with the next request.
        return requests.request(method, self.base + path, headers=headers, timeout=30, cert=self.shown, verify=self.trusted,
                                **more)

    def database(self):
        return sqlite3.connect(self.folder / "hub.db", isolation_level=None, timeout=10)


def people_of(query):
    return f"/personal-demographics/FHIR/R4/Patient?{query}"


def person_of(number):
    return f"/personal-demographics/FHIR/R4/Patient/{number}"


def plans_of(number):
    return f"/cpis/FHIR/R4/CareTeam?patient:identifier={people.NHS}|{number}"


def history_of(number):
    include = "AuditEvent:entity-type=http://terminology.hl7.org/CodeSystem/v3-RoleClass|ASSIGNED"
    return f"/cpis/FHIR/R4/AuditEvent?patient:identifier={people.NHS}|{number}&_include={include}"


def flags_of(number):
    return f"/patient-flags-api/FHIR/R4/Flag?patient={people.NHS}|{number}"


def served(document):
    """The pairs of status and error code that the document names, and its operations."""
    text = json.dumps
    pairs = set()
    for name, response in document["components"]["responses"].items():
        codes = re.findall(r'"enum": (\["[A-Z_]+"(?:, "[A-Z_]+")*\])',
                           text(document["components"]["schemas"][f"OutcomeOf{name}"]))
        statuses = {status for operations in document["paths"].values() for operation in operations.values()
                    for status, answer in operation["responses"].items()
                    if answer.get("$ref", "").endswith(f"/{name}")}
        pairs |= {(int(status), code) for status in statuses for found in codes for code in json.loads(found)}
    return pairs
