"""The demonstration's people, as the README's table tells a reader about them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

README = Path(os.environ.get("CPIS_README") or Path(__file__).resolve().parents[2] / "README.md")


@dataclass
class Person:
    name: str
    number: str
    born: str
    what: str

    def secrets(self):
        """What nobody may be able to read any more once this person has been left."""
        names = [word for word in re.findall(r"[\w'’-]+", self.name) if len(word) > 3]
        return [self.number, self.born, *names]


def table(text):
    """The rows of the table whose head has the columns name, NHS number, date of birth, what …"""
    people, columns = [], None
    for line in text.splitlines():
        cells = [re.sub(r"[*`]", "", cell).strip() for cell in line.strip().strip("|").split("|")]
        if not line.strip().startswith("|"):
            columns = None
        elif columns is None:
            head = [cell.lower() for cell in cells]
            wanted = [[i for i, cell in enumerate(head) if cell.startswith(start)]
                      for start in ("name", "nhs number", "date of birth", "what")]
            columns = [found[0] for found in wanted] if all(wanted) else ()
        elif columns and not set(line) <= set("|-: \t"):
            people.append(Person(*(cells[column] for column in columns)))
    return people


def first(what):
    """The first of them of whom the table says that one will see `what`."""
    if not README.is_file():
        raise AssertionError(f"{README} is missing, and with it the table of the demonstration's people")
    for person in table(README.read_text()):
        if person.what.startswith(what):
            return person
    raise AssertionError(f"no row of {README}'s table begins its last column with {what!r}")
