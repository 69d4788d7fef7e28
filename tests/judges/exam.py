"""Schemathesis examines the running hub from its own OpenAPI document: it must find nothing.

    exam.py [OPTION...]     the served document, with more options for Schemathesis (another `--seed 7
                            --max-examples 200`, say); ends with `judges: N passed, M failed`

Then the document is broken in several ways, and each time Schemathesis has to find it, so that its silence means
something. Needs CPIS_HUB and JUDGES_OUT. Every check, every phase (examples, coverage, fuzzing, stateful), data that
fits and data that does not, with a fixed seed; see schemathesis.toml for what is left out, and why.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import fhirclient.client

from hub import BACK, CLIENT, Hub

HERE = Path(__file__).resolve().parent
OUT = Path(os.environ["JUDGES_OUT"])
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"


def examine(hub, document, *more, shown=None):
    """What Schemathesis says of a document: whether it found nothing, and its words. It shows a registered program's certificate
    and token, or another certificate and none."""
    path = OUT / "openapi.json"
    path.write_text(json.dumps(document))
    certificate, key = shown or hub.shown
    token = [] if shown else ["--header", f"Authorization: Bearer {hub.token('both')}"]
    command = [SCHEMATHESIS, "--config-file", HERE / "schemathesis.toml", "run", path, "--url", hub.base,
               "--checks", "all", "--mode", "all", "--seed", "1", "--generation-database", "none", *token,
               "--request-cert", certificate, "--request-cert-key", key, "--tls-verify", hub.trusted,
               "--continue-on-failure", "--no-color", "--output-sanitize", "false", *more]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "formats", "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=OUT, env=environment, text=True, capture_output=True)
    return done.returncode == 0, done.stdout + done.stderr


def with_tokens(hub, document):
    """The document, in which the only refresh tokens are good ones: of one session that is renewed, and of one that is ended."""
    def given():
        program = fhirclient.client.FHIRClient({"app_id": CLIENT, "redirect_uri": BACK, "api_base": f"{hub.base}/cpis/FHIR/R4"})
        program.server.session.verify, program.server.session.cert = hub.trusted, hub.shown
        program.prepare()
        program.handle_callback(hub.sign_in(program.authorize_url))
        return program.server.auth.refresh_token

    document = json.loads(json.dumps(document))
    form = "application/x-www-form-urlencoded"
    renewed = document["paths"]["/token"]["post"]["requestBody"]["content"][form]["schema"]
    renewed["properties"] = {"grant_type": {"type": "string", "enum": ["refresh_token"]},
                             "refresh_token": {"type": "string", "enum": [given()]},
                             "client_id": {"type": "string", "enum": [CLIENT]}}
    renewed["required"] = ["grant_type", "refresh_token"]
    # A token that is no session's is answered as one that is (RFC 7009), so that nothing is wrong here.
    document["paths"]["/revoke"]["post"]["requestBody"]["content"][form]["example"] = {"token": given()}
    return document


def by_connection(document):
    """The document without a word of certificates: OpenAPI 3.0 has none, and Schemathesis would take it for a header."""
    document = json.loads(json.dumps(document))
    for operations in document["paths"].values():
        for operation in operations.values():
            if operation.get("security") == [{"certificate": []}]:
                operation["security"] = []
    return document


def reached(hub):
    """What of the routes that want a certificate was answered as more than nobody's: sessions that were renewed and ended, and the
    hub's own log of an authority's requests."""
    with hub.database() as database:
        renewed, ended = (database.execute(f"SELECT count(*) FROM session WHERE {what}").fetchone()[0]
                          for what in ("previous IS NOT NULL", "ended_by = 'signed-out'"))
    log = (hub.folder / "log").read_text()
    statuses = set(re.findall(r'route="?(/exchange/[a-z]+)[^ ]* status=(\d+)', log))
    return renewed, ended, statuses


def broken_ways(document):
    """Documents that are not true, each in one way."""
    def changed(change):
        copy = json.loads(json.dumps(document))
        change(copy)
        return copy

    person = "/personal-demographics/FHIR/R4/Patient/{number}"
    yield "an answer lacks what is promised", changed(
        lambda it: it["components"]["schemas"]["Patient"]["required"].append("maritalStatus")), person
    yield "a status is not named", changed(lambda it: it["paths"][person]["get"]["responses"].pop("404")), person
    yield "an error has another code", changed(
        lambda it: it["components"]["schemas"].update(OutcomeOfBadRetrieve=it["components"]["schemas"]["TooManyMatches"])), person
    yield "a header is promised", changed(
        lambda it: it["components"]["headers"]["ETag"].update(schema={"type": "integer"})), person
    yield "a needed header is said to be optional", changed(
        lambda it: it["components"]["parameters"]["X-Request-ID"].update(required=False)), person
    yield "an address is not there", changed(
        lambda it: it["paths"].update({"/nowhere": it["paths"].pop("/metadata")})), "/nowhere"


def main():
    passed, failed = 0, 0

    def found_nothing(name, silent, words):
        nonlocal passed, failed
        passed, failed = passed + silent, failed + (not silent)
        print(f"passed  {name}" if silent else f"FAILED  {name}\n{words}")
        print("\n".join(line for line in words.splitlines() if "generated" in line or "Seed" in line), flush=True)

    with Hub(OUT / "examined") as hub:
        document = hub.session.get(f"{hub.base}/openapi.json", timeout=30).json()
        plain = by_connection(document)
        # Who is no authority is refused there before what they send is read, and the connection ends: that is no answer's fault.
        silent, words = examine(hub, with_tokens(hub, plain), "--exclude-path-regex", "^/exchange/", *sys.argv[1:])
        found_nothing("Schemathesis finds nothing, with a registered program's certificate, token and refresh token", silent, words)
        silent, words = examine(hub, plain, "--include-path-regex", "^/exchange/", "--phases", "examples,coverage,fuzzing",
                                *sys.argv[1:], shown=hub.link)
        found_nothing("Schemathesis finds nothing, with a local authority's certificate", silent, words)
        renewed, ended, statuses = reached(hub)
        is_well = renewed >= 1 and ended >= 1 and len(statuses) >= 4 and all(status != "401" for _, status in statuses)
        found_nothing("and it was answered as whoever it said it is", is_well, f"{renewed} {ended} {sorted(statuses)}")
        for name, broken, path in broken_ways(document):
            silent, words = examine(hub, broken, "--include-path", path, "--max-examples", "5")
            passed, failed = passed + (not silent), failed + silent
            print(f"FAILED  not found: {name}\n{words[-3000:]}" if silent else f"passed  found: {name}", flush=True)
    print(f"judges: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
