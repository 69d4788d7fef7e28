"""What Schemathesis makes of the document's own formats: values that the hub can know, so that it gets past the door."""

import schemathesis
from hypothesis import strategies as st

import people

NUMBERS = st.sampled_from([people.nhs(place) for place in [*range(people.MONTH + 1), people.UNKNOWN]])
NAMES = st.sampled_from(["Bennett", "Iqbal", "O'Brien-Østergård", "Crowd", "Khan", "Nobody", "X", "İ", "陳"])
DAYS = st.dates().map(lambda day: day.isoformat()) | st.sampled_from(["2019-03-12", "2018-08-08", "2015-06-01"])

schemathesis.openapi.format("nhs-number", NUMBERS)
schemathesis.openapi.format("nhs-number-with-system", NUMBERS.map(lambda number: f"{people.NHS}|{number}"))
schemathesis.openapi.format("name", NAMES)
schemathesis.openapi.format("birthdate-bound", st.tuples(st.sampled_from(["", "eq", "ge", "le"]), DAYS).map("".join))
schemathesis.openapi.format("site", st.just("ed"))
