"""Schemathesis examines the running hub from its own OpenAPI document: it must find nothing.

    exam.py [OPTION...]     the served document, with more options for Schemathesis (another `--seed 7
                            --max-examples 200`, say); ends with `judges: N passed, M failed`

Then the document is broken in several ways, and each time Schemathesis has to find it, so that its silence means
something. Needs CPIS_HUB and JUDGES_OUT. Every check, every phase (examples, coverage, fuzzing, stateful), data that
fits and data that does not, with a fixed seed; see schemathesis.toml for what is left out, and why.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import requests

from hub import Hub

HERE = Path(__file__).resolve().parent
OUT = Path(os.environ["JUDGES_OUT"])
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"


def examine(hub, document, *more):
    """What Schemathesis says of a document: whether it found nothing, and its words."""
    path = OUT / "openapi.json"
    path.write_text(json.dumps(document))
    command = [SCHEMATHESIS, "--config-file", HERE / "schemathesis.toml", "run", path, "--url", hub.base,
               "--checks", "all", "--mode", "all", "--seed", "1", "--generation-database", "none",
               "--header", f"Authorization: Bearer {hub.token('both')}", "--continue-on-failure", "--no-color",
               "--output-sanitize", "false", *more]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "formats", "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=OUT, env=environment, text=True, capture_output=True)
    return done.returncode == 0, done.stdout + done.stderr


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
    with Hub(OUT / "examined") as hub:
        document = requests.get(f"{hub.base}/openapi.json", timeout=30).json()
        silent, words = examine(hub, document, *sys.argv[1:])
        passed, failed = passed + silent, failed + (not silent)
        print("passed  Schemathesis finds nothing" if silent else f"FAILED  Schemathesis finds something\n{words}")
        print("\n".join(line for line in words.splitlines() if "generated" in line or "Seed" in line), flush=True)
        for name, broken, path in broken_ways(document):
            silent, words = examine(hub, broken, "--include-path", path, "--max-examples", "5")
            passed, failed = passed + (not silent), failed + silent
            print(f"FAILED  not found: {name}\n{words[-3000:]}" if silent else f"passed  found: {name}", flush=True)
    print(f"judges: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
