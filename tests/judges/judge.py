"""Every kind of answer before two judges that are not ours, and three clients that are not ours.

    judge.py         all stories; ends with `judges: N passed, M failed`

The judges are `fhir.resources` (Python, R4B models) and `fhir` (npm, with value sets); the clients `fhirpy`,
`fhirclient` and `fhir-kit-client`, each with a client certificate and a bearer token and nothing of ours between. Needs CPIS_HUB (the program), JUDGES_NODE (where the npm packages are) and
JUDGES_OUT (a folder to work in).
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import traceback
import urllib.parse
import uuid
from pathlib import Path

import fhirclient.client
import fhirpy
import jsonschema_rs
import pydantic
import requests
from fhirclient.models import auditevent, careteam, flag, patient
from fhir.resources.R4B import get_fhir_model_class

import people
from hub import BACK, CLIENT, RARELY, Hub, flags_of, history_of, people_of, person_of, plans_of, served
from people import nhs

HERE = Path(__file__).resolve().parent
OUT = Path(os.environ["JUDGES_OUT"])
NODE = Path(os.environ["JUDGES_NODE"])
UNKNOWN = nhs(people.UNKNOWN)
BAD = "9990000000"


class Judged:
    """Answers that were given, and what the judges say of each."""

    def __init__(self, hub):
        self.hub = hub
        self.document = hub.session.get(f"{hub.base}/openapi.json", timeout=30).json()
        self.answers = []
        self.pairs = set()

    def take(self, name, answer, status, *codes):
        """Holds an answer against its status and its error code; keeps it for the judges."""
        body = answer.json() if answer.content else None
        kind = body.get("resourceType") if isinstance(body, dict) else None
        code = body["issue"][0]["details"]["coding"][0]["code"] if kind == "OperationOutcome" else None
        assert answer.status_code == status, f"{name}: {answer.status_code} {code}, not {status}"
        if codes:
            assert code in codes, f"{name}: {code}, not {codes}"
            self.pairs.add((status, code))
        if kind:
            self.answers.append((name, body))
        return body

    def get(self, name, path, status, *codes, **more):
        return self.take(name, self.hub.ask(path, **more), status, *codes)


def people_and_plans(judged):
    """Each kind of person, found, retrieved and viewed; nothing held; too many."""
    get = judged.get
    for name, place, family, born in [
        ("child", people.CHILD, "Bennett", "2019-03-12"), ("accents", people.EMPTY, "O'Brien-Østergård", "2015-06-01"),
        ("twin", people.TWIN, "Iqbal", "2021-02-03"), ("dead", people.DEAD, "Marsh", "2012-05-05"),
        ("restricted", people.RESTRICTED, "Hidden", "2014-04-04"),
    ]:
        found = get(f"search {name}", people_of(f"family={urllib.parse.quote(family)}&birthdate=eq{born}"), 200)
        assert found["total"] >= 1, name
        one = get(f"retrieve {name}", person_of(nhs(place)), 200)
        assert one["id"] == nhs(place)
        assert (one["meta"]["security"][0]["code"] == "R") == (name == "restricted")
        assert ("address" in one) == (name == "child")
    for name, place in [("newborn", people.NEWBORN), ("mother", people.MOTHER), ("year", people.YEAR),
                        ("month", people.MONTH), ("renamed", people.RENAMED)]:
        get(f"retrieve {name}", person_of(nhs(place)), 200)
    superseded = get("retrieve superseded", person_of(nhs(people.OLD)), 200)
    assert superseded["id"] == nhs(people.NEW)
    old = get("search previous name", people_of("family=Kowalska&birthdate=2015-06-01&_history=true"), 200)
    assert old["entry"][0]["search"]["extension"]
    get("search fuzzy", people_of("family=Bennet&birthdate=2019-03-12&_fuzzy-match=true"), 200)
    get("search range", people_of("family=Khan&birthdate=ge2016-01-01&birthdate=le2016-12-31"), 200)
    assert get("search nobody", people_of("family=Nobody&birthdate=2000-01-01"), 200)["total"] == 0
    get("search too many", people_of("family=Crowd&birthdate=2018-08-08&_max-results=50"), 200, "TOO_MANY_MATCHES")
    for shape, path in (("plans", plans_of), ("flags", flags_of)):
        for name, place, total in [("child", people.CHILD, 1), ("empty", people.EMPTY, 0), ("mother", people.MOTHER, 1),
                                   ("superseded", people.OLD, 1), ("everything", people.EVERYTHING, 4)]:
            answer = judged.hub.ask(path(nhs(place)))
            assert answer.headers["X-Access-Reference"], name
            assert judged.take(f"{shape} {name}", answer, 200)["total"] == total, f"{shape} {name}"
    states = [entry["resource"]["status"] for entry in judged.answers[-1][1]["entry"]]
    assert states.count("inactive") == 1, f"only the ended child protection plan is inactive: {states}"
    judged.hub.ask(plans_of(nhs(people.CHILD)), who="both")
    history = get("history", history_of(nhs(people.CHILD)), 200)
    assert history["total"] >= 2 and len(history["entry"]) == 2 * history["total"]
    assert get("history of nothing", history_of(nhs(people.EMPTY)), 200)["total"] == 0
    for base in ("", "/cpis/FHIR/R4", "/personal-demographics/FHIR/R4", "/patient-flags-api/FHIR/R4"):
        get(f"metadata {base}", f"{base}/metadata", 200)


def refusals(judged):
    """Every pair of status and error code that the document names."""
    get, hub = judged.get, judged.hub
    slow = threading.Thread(target=lambda: judged.pairs.add(slow_body(hub)))
    slow.start()
    child = nhs(people.CHILD)
    get("no token", plans_of(child), 401, "ACCESS_DENIED", who=None)
    for path in (person_of(child), plans_of(child), flags_of(child), history_of(child), "/access/ABCD-EFGH"):
        get(f"no right {path}", path, 403, "ACCESS_DENIED", who="receptionist")
    get("history without a view", history_of(child), 403, "ACCESS_DENIED", who="midwife")
    get("unknown", plans_of(UNKNOWN), 404, "RESOURCE_NOT_FOUND")
    get("ended", flags_of(nhs(people.ENDED)), 404, "INVALIDATED_RESOURCE")
    get("ended", person_of(nhs(people.ENDED)), 404, "INVALIDATED_RESOURCE")
    get("not an address", "/cpis/FHIR/R4/Patient", 404, "NO_SUCH_ENDPOINT")
    get("not a method", plans_of(child), 405, "METHOD_NOT_ALLOWED", method="DELETE")
    get("only XML", plans_of(child), 406, "NOT_ACCEPTABLE", headers={"Accept": "application/fhir+xml"})
    get("only XML", plans_of(child) + "&_format=xml", 406, "NOT_ACCEPTABLE")
    get("no TraceID", plans_of(child), 400, "PRECONDITION_FAILED", headers={"TraceID": None})
    get("no X-Request-ID", person_of(child), 400, "MISSING_VALUE", headers={"X-Request-ID": None})
    get("bad number", plans_of(BAD), 400, "INVALID_SEARCH_DATA")
    get("bad number", person_of(BAD), 400, "INVALID_RESOURCE_ID")
    get("unknown parameter", person_of(child) + "?_elements=name", 400, "ADDITIONAL_PROPERTIES")
    get("paging", people_of("family=Bennett&birthdate=2019-03-12&_count=1"), 400, "ADDITIONAL_PROPERTIES")
    get("nothing asked", people_of(""), 400, "UNSUPPORTED_SERVICE")
    get("no birth date", people_of("family=Bennett"), 400, "MISSING_VALUE")
    get("bad gender", people_of("family=Bennett&birthdate=2019-03-12&gender=f"), 400, "INVALID_VALUE")
    get("wildcard in a fuzzy search", people_of("family=Ben*&birthdate=2019-03-12&_fuzzy-match=true"), 400,
        "INVALID_SEARCH_DATA")
    get("another flag", flags_of(child) + "&code=female-genital-mutilation-flag", 400, "INVALID_SEARCH_DATA")
    for _ in range(120):
        often = hub.ask("/metadata", who="receptionist")
        if often.status_code == 429:
            break
    judged.take("too often", often, 429, "TOO_MANY_REQUESTS")
    assert int(often.headers["Retry-After"]) >= 1
    of_own_views(judged)
    slow.join()
    # Only a local authority's certificate gets there, and a link that was put back: `tests/all/hub/notices.rs` has it.
    missing = served(judged.document) - judged.pairs - {(409, "OTHER_NUMBERS"), (409, "OTHER_REGISTER")}
    assert not missing, f"never seen: {sorted(missing)}"


def of_own_views(judged):
    """What is posted and put, and its refusals; and what a hub says whose database fails."""
    get, hub = judged.get, judged.hub
    report_at, setting_at = "/cpis/FHIR/R4/AuditEvent", "/session/care-setting"
    reference = hub.ask(plans_of(nhs(people.CHILD))).headers["X-Access-Reference"]
    report = {"resourceType": "AuditEvent", "subtype": [{"code": "print"}],
              "entity": [{"what": {"identifier": {"value": reference}}}]}
    made = hub.ask(report_at, method="POST", json=report, headers={"Prefer": "return=minimal"})
    assert (made.status_code, made.content, made.headers["Preference-Applied"]) == (201, b"", "return=minimal")
    get("bad report", report_at, 400, "INVALID_VALUE", method="POST", json=report | {"subtype": []})
    get("bad report", report_at, 400, "MISSING_VALUE", method="POST", json=report | {"entity": []})
    get("report of no view", report_at, 404, "RESOURCE_NOT_FOUND", method="POST", json=report, who="midwife")
    get("not JSON", report_at, 415, "UNSUPPORTED_MEDIA_TYPE", method="POST", data="<a/>",
        headers={"Content-Type": "application/fhir+xml"})
    get("too large", report_at, 413, "PAYLOAD_TOO_LARGE", method="POST", data=b" " * 70_000)
    get("no choice", setting_at, 403, "ACCESS_DENIED", method="PUT", json={"care_setting": "scheduled"})
    assert hub.ask(setting_at, who="both", method="PUT", json={"care_setting": "scheduled"}).status_code == 204
    get("no such setting", setting_at, 400, "INVALID_VALUE", who="both", method="PUT", json={"care_setting": "x"})
    get("bad format", "/metadata?_format=%FF", 400, "INVALID_SEARCH_DATA")
    assert get("plans silently", plans_of(nhs(people.CHILD)), 200, who="midwife")["total"] == 1
    assert get("status", f"/access/{reference}", 200)["reference"] == reference
    with hub.database() as database:
        database.execute("UPDATE view SET at_ms = at_ms - 11 * 60 * 1000 WHERE reference = ?", [reference])
    get("too late", f"/access/{reference}/opened-in-error", 409, "TOO_LATE", method="POST")
    database = hub.database()
    database.execute("BEGIN IMMEDIATE")
    failed = hub.ask(plans_of(nhs(people.CHILD)))
    judged.take("locked database", failed, 500, "UNABLE_TO_CALL_SERVICE")
    assert failed.headers["X-Error-ID"]
    get("health of a locked database", "/healthz", 503, "UNABLE_TO_CALL_SERVICE", who=None)
    database.execute("ROLLBACK")
    assert hub.ask("/healthz", who=None).json() == {"status": "ok"}


def slow_body(hub):
    """A body that never arrives; the pair that it is answered."""
    host, port = hub.base.removeprefix("https://").split(":")
    shown = f"POST /cpis/FHIR/R4/AuditEvent HTTP/1.1\r\nHost: hub\r\nContent-Length: 9\r\nAuthorization: Bearer {hub.token()}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as plain, \
            hub.context().wrap_socket(plain, server_hostname=host) as connection:
        connection.sendall(shown.encode())
        answer = b""
        # Head and body may be records of their own.
        while not answer.endswith(b"}") and (part := connection.recv(65536)):
            answer += part
        answer = answer.decode()
    body = json.loads(answer.split("\r\n\r\n", 1)[1])
    return int(answer.split()[1]), body["issue"][0]["details"]["coding"][0]["code"]


def representations(judged):
    """JSON under each of its names, and preferences; an ETag never spares the audit."""
    hub, path = judged.hub, person_of(nhs(people.CHILD))
    fhir, generic = "application/fhir+json; charset=utf-8", "application/json; charset=utf-8"
    for accept, kind in [("*/*", fhir), ("application/fhir+json;fhirVersion=4.0", fhir), ("application/json", generic),
                         ("text/html, */*;q=0.1", fhir), ("application/json;q=0.1, application/fhir+json", fhir)]:
        answer = hub.ask(path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind), accept
    for form in ("json", "application/json", "application/fhir%2Bjson", "application/fhir+json"):
        answer = hub.ask(f"{path}?_format={form}", headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, fhir), form
    for prefer, heeded in [("handling=strict", "handling=strict"), ("handling=lenient", None), ("respond-async", None),
                           ("return=representation", None)]:
        answer = hub.ask(path, headers={"Prefer": prefer})
        assert (answer.status_code, answer.headers.get("Preference-Applied")) == (200, heeded), prefer
    tag = hub.ask(path).headers["ETag"]
    count = "SELECT count(*) FROM audit WHERE kind = 'retrieve'"
    with hub.database() as database:
        before = database.execute(count).fetchone()[0]
        assert hub.ask(path, headers={"If-None-Match": tag}).status_code == 200
        assert database.execute(count).fetchone()[0] == before + 1
    assert tag == f'W/"{hub.ask(path).json()["meta"]["versionId"]}"'
    assert tag != hub.ask(person_of(nhs(people.TWIN))).headers["ETag"]


def audit_export(judged):
    """The audit log as FHIR: every kind of entry that the stories before have caused."""
    text = judged.hub.run("audit", "--since", "2020-01-01T00:00:00Z", "--format", "fhir")
    events = [json.loads(line) for line in text.splitlines()]
    profiles = {profile.rsplit(".", 1)[1] for event in events for profile in event.get("meta", {}).get("profile", [])}
    assert {"PatientQuery", "PatientRead", "Query"} <= profiles, profiles
    for event in events:
        balp(event)
    kinds = {coding["code"] for event in events for coding in event["subtype"]}
    assert {"search", "retrieve", "view", "silent-view", "history-read", "refused", "print", "load"} <= kinds, kinds
    judged.answers += [(f"audit {event['subtype'][-1]['code']}", event) for event in events]


def balp(event):
    """What the BALP profiles ask of an event beyond FHIR: agents, entities and their roles."""
    profiles = event.get("meta", {}).get("profile", [])
    if not profiles:
        return
    [profile] = (profile.rsplit(".", 1)[1] for profile in profiles)
    is_read = profile.endswith("Read")
    assert event["type"]["code"] == "rest" and event["action"] == ("R" if is_read else "E")
    assert event["subtype"][0]["code"] == ("read" if is_read else "search") and event["outcome"] == "0"
    agents = {agent["type"]["coding"][0]["code"]: agent for agent in event["agent"]}
    for role in ("110152", "110153"):
        assert agents[role]["who"] and agents[role]["network"] and not agents[role]["requestor"], role
    assert agents["IRCP"]["who"] and agents["IRCP"]["requestor"] and "network" not in agents["IRCP"]
    entities = {entity["type"]["code"]: entity for entity in event["entity"] if "type" in entity}
    data = entities["2"]
    assert data["role"]["code"] == ("4" if is_read else "24")
    assert ("what" in data) == is_read and ("query" in data) == (not is_read) and "detail" not in data
    if profile.startswith("Patient"):
        assert entities["1"]["role"]["code"] == "1" and entities["1"]["what"]["type"] == "Patient"
    assert entities["XrequestId"]["what"]["identifier"]["value"]


def python_judge(judged):
    """Every answer is an R4B resource to `fhir.resources`."""
    wrong = []
    for name, body in judged.answers:
        try:
            get_fhir_model_class(body["resourceType"]).model_validate(body)
        except pydantic.ValidationError as error:
            wrong.append(f"{name}: {error}")
    assert judged.answers and not wrong, "\n".join(wrong)


def node_judge(judged):
    """Every answer is valid to `fhir`, its codes among the value sets."""
    lines = "\n".join(json.dumps(body) for _, body in judged.answers)
    done = subprocess.run(["node", "validate.mjs"], cwd=NODE, input=lines, text=True, capture_output=True, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(judged.answers)
    wrong = [f"{name}: {messages}" for (name, _), messages in zip(judged.answers, told) if messages]
    assert not wrong, "\n".join(sorted(set(wrong)))


def judges_can_say_no(judged):
    """Both judges refuse what is wrong, so that their silence means something."""
    body = next(dict(body) for name, body in judged.answers if name == "retrieve child")
    broken = [body | {"gender": "girl"}, body | {"nonsense": 1}, body | {"birthDate": "12.03.2019"}]
    done = subprocess.run(["node", "validate.mjs"], cwd=NODE, input="\n".join(map(json.dumps, broken)), text=True,
                          capture_output=True, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[0] and told[1], told
    for one in broken[1:]:
        try:
            get_fhir_model_class("Patient").model_validate(one)
        except pydantic.ValidationError:
            continue
        raise AssertionError("fhir.resources took a broken Patient")


def nothing_undocumented(judged):
    """No answer holds an element that the OpenAPI document does not name."""
    def closed(schema):
        if isinstance(schema, dict):
            shut = {} if "properties" not in schema or "allOf" in schema else {"additionalProperties": False}
            return shut | {key: closed(value) for key, value in schema.items()}
        return [closed(item) for item in schema] if isinstance(schema, list) else schema

    schemas = {name: closed(schema) for name, schema in judged.document["components"]["schemas"].items()
               if not name.startswith("OutcomeOf")}
    wrong = []
    for name, body in judged.answers:
        if name.startswith("audit "):
            continue
        kind = body["resourceType"]
        if kind == "Bundle":
            kind = {"search": "Patient", "plans": "CareTeam", "flags": "Flag", "history": "AuditEvent"}[name.split()[0]]
            kind += "Searchset"
        schema = {"$ref": f"#/components/schemas/{kind}", "components": {"schemas": schemas}}
        for error in jsonschema_rs.Draft4Validator(schema).iter_errors(body):
            wrong.append(f"{name}: {error.message}"[:300])
    assert not wrong, "\n".join(wrong)


def registered_client(judged):
    """fhirclient (SMART), as it comes, signs a person in by itself and gets the tokens; without its certificate they are no good."""
    hub, child = judged.hub, nhs(people.CHILD)
    program = fhirclient.client.FHIRClient({"app_id": CLIENT, "redirect_uri": BACK, "api_base": f"{hub.base}/cpis/FHIR/R4"})
    program.server.session.verify = hub.trusted
    assert not program.prepare(), "it has found in the open metadata where to sign in, and that it has to"
    program.server.session.cert = hub.shown
    program.handle_callback(hub.sign_in(program.authorize_url))
    assert program.ready and program.server.auth.expires_at
    judged.bearer = program.server.auth.access_token
    program.server.session.headers["TraceID"] = str(uuid.uuid4())
    of = {"patient:identifier": f"{people.NHS}|{child}"}
    assert careteam.CareTeam.where(of).perform_resources(program.server)[0].name
    with hub.database() as database:
        seen = database.execute("SELECT user_name, organisation_code, client FROM audit ORDER BY id DESC").fetchone()
    assert seen == ("Sam Okafor", "RN3", CLIENT), seen
    program.reauthorize()
    assert program.ready and program.server.auth.access_token != judged.bearer
    assert auditevent.AuditEvent.where(of).perform_resources(program.server)
    # The same token from elsewhere: with no certificate, and with another one of the same authority.
    for cert in (None, hub.link):
        stolen = requests.get(f"{hub.base}{plans_of(child)}", timeout=30, verify=hub.trusted, cert=cert,
                              headers={"Authorization": f"Bearer {judged.bearer}", "TraceID": str(uuid.uuid4())})
        assert stolen.status_code == 401 and stolen.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def client_fhirpy(judged):
    """fhirpy, as it comes: a certificate and a bearer token."""
    hub, child = judged.hub, nhs(people.CHILD)

    def client(base, header):
        return fhirpy.AsyncFHIRClient(hub.base + base, authorization=f"Bearer {judged.bearer}",
                                      extra_headers={header: str(uuid.uuid4())}, aiohttp_config={"ssl": hub.context()})

    async def ask():
        demographics = client("/personal-demographics/FHIR/R4", "X-Request-ID")
        found = await demographics.resources("Patient").search(family="Bennett", birthdate="eq2019-03-12").fetch()
        assert [one["id"] for one in found] == [child]
        assert (await demographics.reference("Patient", child).to_resource())["birthDate"] == "2019-03-12"
        every = await demographics.resources("Patient").search(family="Bennett", birthdate="2019-03-12").fetch_all()
        assert len(every) == 1
        plans = client("/cpis/FHIR/R4", "TraceID")
        of = {"patient:identifier": f"{people.NHS}|{child}"}
        assert len(await plans.resources("CareTeam").search(**of).fetch()) == 1
        assert len(await plans.resources("AuditEvent").search(**of).fetch()) >= 1
        flags = client("/patient-flags-api/FHIR/R4", "TraceID")
        assert (await flags.resources("Flag").search(patient=child).fetch())[0]["status"] == "active"
        try:  # sends _count=1, which is not served: a page of one would hide what else is held
            await flags.resources("Flag").search(patient=child).first()
            raise AssertionError("_count was taken")
        except fhirpy.base.exceptions.OperationOutcome:
            pass
        assert (await flags.execute("metadata", method="get"))["resourceType"] == "CapabilityStatement"
        try:
            await demographics.reference("Patient", UNKNOWN).to_resource()
        except fhirpy.base.exceptions.ResourceNotFound:
            return
        raise AssertionError("fhirpy did not understand that there is none")

    asyncio.run(ask())


def client_smart(judged):
    """fhirclient (SMART), as it comes, at each service: its models refuse what is not FHIR R4."""
    hub, child = judged.hub, nhs(people.CHILD)

    def server(base, header):
        client = fhirclient.client.FHIRClient({"app_id": CLIENT, "redirect_uri": BACK, "api_base": hub.base + base})
        client.server.session.verify, client.server.session.cert = hub.trusted, hub.shown
        client.server.session.headers[header] = str(uuid.uuid4())
        assert not client.prepare() and client.server.capabilityStatement.fhirVersion == "4.0.1"
        client.handle_callback(hub.sign_in(client.authorize_url))
        return client.server

    demographics = server("/personal-demographics/FHIR/R4", "X-Request-ID")
    search = patient.Patient.where({"family": "Bennett", "birthdate": "eq2019-03-12"})
    assert [one.id for one in search.perform_resources(demographics)] == [child]
    assert patient.Patient.read(child, demographics).name[0].family == "Bennett"
    plans, of = server("/cpis/FHIR/R4", "TraceID"), {"patient:identifier": f"{people.NHS}|{child}"}
    assert careteam.CareTeam.where(of).perform_resources(plans)[0].name
    assert auditevent.AuditEvent.where(of).perform_resources(plans)
    flags = server("/patient-flags-api/FHIR/R4", "TraceID")
    assert flag.Flag.where({"patient": child}).perform_resources(flags)[0].contained[0].telecom[0].value


def client_kit(judged):
    """fhir-kit-client, as it comes: a certificate and a bearer token."""
    hub, child = judged.hub, nhs(people.CHILD)
    asked = {"base": hub.base, "token": judged.bearer, "number": child, "system": people.NHS, "ca": hub.trusted,
             "cert": hub.shown[0], "key": hub.shown[1]}
    # Its options for certificates are those of the `fetch` that it brings along; Node's own knows none.
    done = subprocess.run(["node", "--no-experimental-fetch", "client.mjs", json.dumps(asked)], cwd=NODE, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    totals = [found[name]["total"] for name in ("search", "plans", "flags")]
    assert totals == [1, 1, 1] and found["history"]["total"] >= 1, totals
    assert found["read"]["id"] == child and found["metadata"]["resourceType"] == "CapabilityStatement"
    assert found["refused"]["resourceType"] == "OperationOutcome"
    assert found["smart"]["tokenUrl"] == f"{hub.base}/token", found["smart"]


STORIES = [people_and_plans, refusals, representations, audit_export, python_judge, node_judge, judges_can_say_no,
           nothing_undocumented, registered_client, client_fhirpy, client_smart, client_kit]


def main():
    passed, failed = 0, 0
    for script in HERE.glob("*.mjs"):  # a module looks for packages beside itself
        shutil.copy(script, NODE)
    with Hub(OUT / "hub", RARELY) as hub:
        judged = Judged(hub)
        for story in STORIES:
            try:
                story(judged)
                passed += 1
                print(f"passed  {story.__doc__.splitlines()[0]}", flush=True)
            except Exception:  # a story that fails in whatever way has failed, and the others go on
                failed += 1
                print(f"FAILED  {story.__doc__.splitlines()[0]}\n{traceback.format_exc()[-6000:]}", flush=True)
        print(f"{len(judged.answers)} answers were judged")
    print(f"judges: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
