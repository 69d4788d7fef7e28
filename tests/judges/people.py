"""Synthetic people and plans of every kind, as lines of a load file. Days are counted from today."""

import datetime
import zoneinfo

NHS = "https://fhir.nhs.uk/Id/nhs-number"
CHILD_PROTECTION, LOOKED_AFTER, UNBORN = "342191000000101", "764841000000100", "818901000000100"
TODAY = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/London")).date()


def number(place):
    """The synthetic NHS number at a place: 999, six digits, and the check digit of Modulus 11."""
    digits = f"999{place:06}"
    check = 11 - sum(int(digit) * (10 - at) for at, digit in enumerate(digits)) % 11
    if check == 10:
        raise ValueError(f"there is no number at {place}")
    return digits + str(check % 11)


def usable(place):
    """Whether there is a number at a place."""
    try:
        number(place)
    except ValueError:
        return False
    return True


PLACES = [place for place in range(1, 2000) if usable(place)]


def nhs(place):
    """The number of the person at a place in this file's list."""
    return number(PLACES[place])


def day(days):
    return (TODAY + datetime.timedelta(days=days)).isoformat()


def person(place, family, given, born, **more):
    return {
        "resourceType": "Patient",
        "id": nhs(place),
        "identifier": [{"system": NHS, "value": nhs(place)}],
        "name": [{"use": "usual", "family": family, "given": given.split()}],
        "gender": "female",
        "birthDate": born,
    } | more


def plan(place, kind, start, end=None, authority="E06000030", **more):
    period = {"start": start} | ({"end": end} if end else {})
    return {
        "resourceType": "CareTeam",
        "meta": {"lastUpdated": f"{day(-10)}T02:00:00Z"},
        "identifier": [{"system": "https://fhir.cpis.example/Id/local-id", "value": f"local-{place}"}],
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": kind}]}],
        "name": f"{authority} Council",
        "subject": {"identifier": {"system": NHS, "value": nhs(place)}},
        "period": period,
        "telecom": [
            {"system": "phone", "value": "01793 466903", "use": "work"},
            {"system": "phone", "value": "01793 436699", "use": "mobile"},
        ],
        "managingOrganization": [
            {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": authority}}
        ],
    } | more


# Who is where in the list.
CHILD, EMPTY, TWIN, NEWBORN, DEAD, RESTRICTED, OLD, NEW, ENDED, MOTHER, EVERYTHING, RENAMED, YEAR, MONTH = range(14)
UNKNOWN, CROWD = 20, 30

OURS = "https://fhir.cpis.example/StructureDefinition"
HOURS = {
    "url": f"{OURS}/office-hours",
    "extension": [{"url": "day", "valueCode": code} for code in ("mon", "tue", "fri")]
    + [{"url": "from", "valueTime": "08:30:00"}, {"url": "to", "valueTime": "17:00:00"}],
}
TEAM = {
    "url": f"{OURS}/team-contact",
    "extension": [{"url": "name", "valueString": "North team"}, {"url": "telephone", "valueString": "01793 466000"}],
}


def lines():
    """Every kind of person and plan."""
    restricted = {"meta": {"security": [{"code": "R"}]}, "address": [{"use": "home", "postalCode": "SN1 2AB"}]}
    replaced = {"other": {"identifier": {"system": NHS, "value": nhs(NEW)}}, "type": "replaced-by"}
    return [
        person(CHILD, "Bennett", "Ava Rose", "2019-03-12", address=[{"use": "home", "postalCode": "SN1 2AB"}]),
        person(EMPTY, "O'Brien-Østergård", "Zoë", "2015-06-01"),
        person(TWIN, "Iqbal", "Hana", "2021-02-03", multipleBirthInteger=2),
        person(NEWBORN, "Iqbal", "Baby", day(-2), name=[], multipleBirthBoolean=True, gender="unknown"),
        person(DEAD, "Marsh", "Ivy", "2012-05-05", deceasedDateTime="2026-01-02"),
        person(RESTRICTED, "Hidden", "Ann", "2014-04-04", **restricted),
        {"resourceType": "Patient", "id": nhs(OLD), "active": False, "link": [replaced]},
        person(NEW, "Newton", "May", "2013-03-03"),
        {"resourceType": "Patient", "id": nhs(ENDED), "active": False},
        person(MOTHER, "Clarke", "Jo", "1995-01-01"),
        person(EVERYTHING, "Khan", "Sara", "2016-07-08"),
        person(RENAMED, "Smith", "Olga", "2015-06-01",
               name=[{"use": "usual", "family": "Smith", "given": ["Olga"]},
                     {"use": "old", "family": "Kowalska", "given": ["Olga"]}]),
        person(YEAR, "Okoro", "Chi", "2009", deceasedBoolean=True, gender="male"),
        person(MONTH, "Okoro", "Ada", "2009-03", gender="other"),
        *[person(CROWD + at, "Crowd", f"Child{at}", "2018-08-08") for at in range(60)],
        plan(CHILD, CHILD_PROTECTION, day(-300)),
        plan(NEW, LOOKED_AFTER, day(-90)),
        plan(MOTHER, UNBORN, day(-60), day(90)),
        plan(EVERYTHING, CHILD_PROTECTION, day(-500), day(-30), "E06000022", extension=[HOURS, TEAM]),
        plan(EVERYTHING, CHILD_PROTECTION, day(-20), None, "E06000022", extension=[HOURS, TEAM]),
        plan(EVERYTHING, LOOKED_AFTER, day(-20), day(200), "E06000042"),
        plan(EVERYTHING, UNBORN, day(-200), day(-5), "E06000042"),
    ]
