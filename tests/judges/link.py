"""The real link before a mail server and a FHIR server that are not ours.

    link.py          all stories; ends with `judges: N passed, M failed`

The mail server is `aiosmtpd` (PyPI) with STARTTLS, TLS from the first byte, and neither; the case system is Medplum's FHIR R4
router, definitions and repository (npm); what it was given is also held against `fhir.resources` (R4B) and `fhir` (npm). The
hub is played: HTTPS with a client certificate, and the manual's own example of notifications. Needs CPIS_AUTHORITY (the
program), JUDGES_NODE (where the npm packages are) and JUDGES_OUT (a folder to work in).
"""

import email
import email.policy
import http.server
import json
import logging
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import traceback
import urllib.request
import warnings
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from fhir.resources.R4B import get_fhir_model_class

from certificates import Authority

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = Path(os.environ["JUDGES_OUT"]) / "link"
NODE = Path(os.environ["JUDGES_NODE"])
PROGRAM = os.environ["CPIS_AUTHORITY"]
EXAMPLE = json.loads((ROOT / "src/manual/notification-example.json").read_text())
NUMBER, WHO, WHERE, CODE = "9990000018", "Okafor", "Great Western", "RN3"


def secret(name, text):
    """A file that only its owner can read: the link takes no other."""
    (OUT / name).write_text(text)
    (OUT / name).chmod(0o600)


class Played(http.server.BaseHTTPRequestHandler):
    """The hub's two addresses."""

    notices, receipts = [], []

    def do_GET(self):
        number = int(self.path.split("after=")[1].split("&")[0]) if "after=" in self.path else 0
        head = json.loads(json.dumps(EXAMPLE["entry"][0]))
        last = max([n for n, _ in self.notices], default=0)
        head["resource"]["extension"] = [{**head["resource"]["extension"][0], "valueInteger": last}]
        entries = [entry for n, entry in self.notices if n > number]
        self.say(200, {**EXAMPLE, "entry": [head, *entries]})

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.receipts.extend(entry["resource"] for entry in said["entry"][1:])
        self.say(200, {"noted": 1, "known": 0, "unknown": 0})

    def say(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/fhir+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def notice(number, local_id="4711", attendance="7KQM-4T2X"):
    entry = json.loads(json.dumps(EXAMPLE["entry"][1]).replace(EXAMPLE["entry"][1]["resource"]["id"], f"{number:032x}")
                       .replace('"4711"', f'"{local_id}"'))
    for extension in entry["resource"]["extension"]:
        if extension["url"].endswith("notification-number"):
            extension["valueInteger"] = number
        if extension["url"].endswith("attendance"):
            extension["valueString"] = attendance
    entry["resource"]["identifier"][1]["value"] = attendance
    return number, entry


class Kept:
    """What came by e-mail; `refuse` answers the next ones."""

    def __init__(self):
        self.mails, self.refuse = [], None

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return self.refuse
        self.mails.append((envelope.rcpt_tos, envelope.content, bool(session.ssl)))
        return "250 taken"


def contexts():
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(OUT / "server.pem", OUT / "server-key.pem")
    return served


def mail_server(kept, security, password=None):
    """A mail server on a free port of this computer."""
    more = {}
    if security == "starttls":
        more = {"tls_context": contexts(), "require_starttls": True}
    if password:
        def known(server, session, envelope, mechanism, data):
            return AuthResult(success=data.password == password.encode())
        more.update(authenticator=known, auth_required=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(kept, hostname="127.0.0.1", port=port, ready_timeout=60, ssl_context=contexts() if security == "tls" else None, **more)
    server.start()
    return server, port


class Desk:
    """The link's folder, its configuration, and the hub that is played."""

    def __init__(self):
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir(parents=True)
        ours = Authority("Judges")
        ours.keep(OUT / "authority.pem")
        for name in ("server", "link"):
            ours.issue(OUT, name)
        self.hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Played)
        served = contexts()
        served.verify_mode = ssl.CERT_REQUIRED
        served.load_verify_locations(OUT / "authority.pem")
        self.hub.socket = served.wrap_socket(self.hub.socket, server_side=True)
        threading.Thread(target=self.hub.serve_forever, daemon=True).start()
        (OUT / "extract.csv").write_text(
            "Person ID,NHS Number,Surname,Forenames,Date of Birth,Legal Status,Start Date,End Date,Worker\r\n"
            f"4711,{NUMBER},Hart,Amelia,14/07/2019,CPP,05/01/2026,,P. Shaw\r\n")

    def begin(self, mail="", notes=""):
        """A register and a memory of its own; nobody has been told of anything."""
        for old in OUT.glob("cpis-*"):
            old.unlink()
        Played.notices, Played.receipts = [], []
        text = (ROOT / "packaging/authority.toml").read_text()
        address = f"https://127.0.0.1:{self.hub.server_address[1]}"
        for old, new in [
            ('address = "https://hub.example"', f'address = "{address}"'),
            ('# issuer = ', 'issuer = "https://hub.example" # '),
            ('# certificate_authority = "hub-authority.pem"', 'certificate_authority = "authority.pem"'),
            ('folder = "case-notes"', "# folder"), ("# synthetic = true", "synthetic = true"),
            ('# worker = "Allocated Worker"', 'worker = "Worker"'),
            ("[extract]\n", f'[[routing.person]]\nname = "P. Shaw"\nemail = "shaw@wexcombe.example"\n{mail}\n{notes}\n[extract]\n'),
            ('# email = "safeguarding.lead@', 'email = "lead@'), ('# email = "edt@', 'email = "edt@'),
        ]:
            assert old in text, old
            text = text.replace(old, new, 1)
        (OUT / "authority.toml").write_text(text)
        self.run("upload", "extract.csv", "--dry-run", "--day", "2026-11-22")
        # As after an upload: the hub that is played takes none.
        with sqlite3.connect(OUT / "cpis-authority.db") as memory:
            memory.execute(
                "INSERT INTO extract (local_id, row, number, kind, start_day, family, given, born, worker)"
                " VALUES ('4711', 2, ?, '342191000000101', '2026-01-05', 'Hart', 'Amelia', '2019-07-14', 'P. Shaw')", [NUMBER])
        memory.close()

    def run(self, *arguments):
        done = subprocess.run([PROGRAM, *arguments, "--config", "authority.toml"], cwd=OUT, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout

    def fetch(self, *notices):
        Played.notices.extend(notices)
        return self.run("fetch")


def mail(port, security, more=""):
    return (f'[routing.mail]\nserver = "localhost"\nport = {port}\nsecurity = "{security}"\n'
            f'from = "cpis@wexcombe.example"\n{more}')


def e_mail_by_every_way(desk):
    """An alert leaves by STARTTLS with a password, by TLS, and unencrypted on this computer only, and says nothing of anybody"""
    secret("mail-password", "correct horse\n")
    trusted = 'certificate_authority = "authority.pem"\n'
    login = 'user = "cpis"\npassword_file = "mail-password"\n'
    for security, more, password in [("starttls", trusted + login, "correct horse"), ("tls", trusted, None), ("none", "", None)]:
        kept = Kept()
        server, port = mail_server(kept, security, password)
        try:
            desk.begin(mail(port, security, more))
            said = desk.fetch(notice(1))
            assert len(kept.mails) >= 1, f"{security}: {said}{desk.run('status')}"
            assert any(to == ["shaw@wexcombe.example"] for to, _, _ in kept.mails), kept.mails
            before = len(kept.mails)
            desk.run("fetch")
            assert len(kept.mails) == before, "once"
            for _, content, encrypted in kept.mails:
                assert encrypted == (security == "starttls"), "with TLS from the first byte there is no session of its own"
                message = email.message_from_bytes(content, policy=email.policy.default)
                assert message["Message-ID"].endswith("@wexcombe.example>") and message["Auto-Submitted"] == "auto-generated"
                words = content.decode() + message.get_content()
                assert "Case: 4711" in words
                for word in (NUMBER, "999 000 0018", WHO, WHERE, CODE, "Hart", "Amelia", "2019", "7KQM", "01793", "urse",
                             "mergency department", "02:14"):
                    assert word not in words, f"{word} in {words}"
        finally:
            server.stop()


def a_server_that_cannot_be_trusted(desk):
    """Nothing leaves without the encryption that is configured, to a certificate that is not trusted, or with a wrong password"""
    trusted = 'certificate_authority = "authority.pem"\n'
    login = 'user = "cpis"\npassword_file = "mail-password"\n'
    secret("mail-password", "wrong\n")
    for served, asked, more, password in [
        ("none", "starttls", trusted, None), ("starttls", "starttls", "", None), ("tls", "tls", "", None),
        ("starttls", "starttls", trusted + login, "correct horse"),
    ]:
        kept = Kept()
        server, port = mail_server(kept, served, password)
        try:
            desk.begin(mail(port, asked, more))
            said = desk.fetch(notice(1))
            assert not kept.mails, (served, asked)
            assert "Alerts by e-mail:" in said and "1 part of a case note filed." in said, said
            status = desk.run("status")
            assert "Alerts by e-mail do not leave since" in status and "E-mails that wait:" in status, status
            assert len(Played.receipts) == 1, "the hub heard that it is filed all the same"
            assert "correct horse" not in said + status and "wrong" not in said + status
        finally:
            server.stop()
    configured = (OUT / "authority.toml").read_text()
    (OUT / "authority.toml").write_text(configured.replace('"localhost"', '"mail.example"').replace('"starttls"', '"none"'))
    assert "\"none\" only where the mail server is on this computer" in desk.run("check-config")


def a_refused_e_mail(desk):
    """What the mail server takes later waits and is tried again; others leave"""
    kept = Kept()
    server, port = mail_server(kept, "none")
    try:
        desk.begin(mail(port, "none"))
        kept.refuse = "451 try again later"
        said = desk.fetch(notice(1))
        assert "the mail server takes an e-mail later (451)" in said, said
        kept.refuse = None
        said = desk.fetch(notice(2, local_id="9999", attendance="8HRT-2MWC"))
        assert all(to != ["shaw@wexcombe.example"] for to, _, _ in kept.mails), "not before its time"
        assert any(to == ["lead@wexcombe.example"] for to, _, _ in kept.mails), f"the others leave: {said}"
        assert "E-mails that wait:" in desk.run("status")
    finally:
        server.stop()


def a_fhir_server(desk):
    """Each part is one Communication at a FHIR R4 server, whatever is lost on the way, and two judges find it right"""
    shutil.copy(HERE / "case_system.mjs", NODE)
    shutil.copy(HERE / "validate.mjs", NODE)
    secret("token", "sesame\n")
    server = subprocess.Popen(["node", NODE / "case_system.mjs", OUT / "server.pem", OUT / "server-key.pem", "sesame"],
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    trusting = ssl.create_default_context(cafile=OUT / "authority.pem")
    try:
        port = int(server.stdout.readline())
        ask = lambda path: json.load(urllib.request.urlopen(f"https://127.0.0.1:{port}{path}", context=trusting, timeout=60))
        case_system = lambda base: (f'[notes.case_system]\naddress = "https://127.0.0.1:{port}/{base}"\ntoken_file = "token"\n'
                                    'certificate_authority = "authority.pem"')
        desk.begin(notes=case_system("fhir"))
        said = desk.fetch(notice(1))
        assert "1 part of a case note filed." in said, said
        ask("/mode/lost")
        said = desk.fetch(notice(2))
        assert "could not be reached, or did not answer" in said, said
        assert len(ask("/held")) == 2, "it was taken, and the answer was lost"
        ask("/mode/busy")
        assert "at present (503)" in desk.run("fetch")
        ask("/mode/well")
        assert "1 part of a case note filed." in desk.run("fetch")
        held = ask("/held")
        assert len(held) == 2, [one["identifier"] for one in held]
        assert len(Played.receipts) == 2
        for one in held:
            get_fhir_model_class("Communication").model_validate(one)
            assert one["payload"][0]["contentString"].startswith("CP-IS information opened")
        judged = subprocess.run(["node", NODE / "validate.mjs"], input="\n".join(map(json.dumps, held)) + "\n", text=True,
                                stdout=subprocess.PIPE, timeout=300, check=True)
        assert [json.loads(line) for line in judged.stdout.splitlines()] == [[], []], judged.stdout
        # An address that is wrong sends nothing onto the list: it is no fault of any note.
        desk.begin(notes=case_system("wrong"))
        said = desk.fetch(notice(1))
        assert "knows no such address" in said, said
        assert "Not in the record yet: 1" in desk.run("status")
    finally:
        server.kill()
        server.wait()


def main():
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # handshakes that are meant to fail
    warnings.simplefilter("ignore", DeprecationWarning)
    passed, failed = 0, 0
    desk = Desk()
    for story in [e_mail_by_every_way, a_server_that_cannot_be_trusted, a_refused_e_mail, a_fhir_server]:
        try:
            story(desk)
            passed += 1
            print(f"passed  {story.__doc__}", flush=True)
        except Exception:  # a story that fails in whatever way has failed, and the others go on
            failed += 1
            print(f"FAILED  {story.__doc__}\n{traceback.format_exc()[-6000:]}", flush=True)
    print(f"judges: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
