"""Takes the README's pictures from the real window: tests/pictures runs this."""

import os

import people
from login import Login
from story_main import search, sign_in

PICTURES = {
    "alert": "Alert: Child Protection Plan. Opened",
    "past-plan": "Past plan",
    "nothing-held": "Nothing held",
    "could-not-check": "Could not check",
}


def story(desk):
    desk.start([os.environ["CPIS_VIEWER"], "--demo"], Login().environment)
    sign_in(desk)
    desk.picture("search")
    for name, what in PICTURES.items():
        person = people.first(what)
        search(desk, person)
        if name == "alert":
            desk.picture("not-checked")
        desk.press(desk.button(name="Open child protection information"))
        desk.wait(starts=what.split(":")[0].split(".")[0])
        desk.wait(contains="This is not a referral")
        desk.until(lambda: not desk.find(contains="Asking who") and desk.find(contains="told"), "who is told")
        desk.picture(name)
        desk.press(desk.button(name="New search"))
