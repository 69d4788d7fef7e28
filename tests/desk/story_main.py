"""A triage nurse looks up a child, reads the alert and leaves nothing behind. Heard as a screen reader hears it.

    CPIS_VIEWER  the viewer's binary
"""

import os

import people
from seat import BUTTON

NURSE = "triage nurse"


def story(desk):
    child = people.first("Alert: Child Protection Plan")
    desk.start([os.environ["CPIS_VIEWER"], "--demo"], {"RUST_LOG": "trace"})
    sign_in(desk)

    search(desk, child)
    assert not desk.find(starts="Alert"), "opened by the search itself"
    desk.step("found, not opened")
    desk.picture("found")

    desk.press(desk.button(name="Open child protection information"))
    answered(desk)
    desk.picture("alert")

    desk.press(desk.button(name="Hide patient"))
    desk.wait_no_traces(*child.secrets())
    desk.step("hidden: nothing of the child in the tree or the titles")
    desk.press(desk.button(name="New search"))

    search(desk, child)
    desk.press(desk.button(name="Sign out"))
    desk.button(starts="Sign in as")
    desk.wait_no_traces(*child.secrets())
    desk.step("signed out: nothing of the child in the tree or the titles")
    assert not desk.logged(*child.secrets()), "something of the child is in the program's output"


def sign_in(desk):
    desk.window()
    desk.button(starts="Sign in as")
    desk.picture("sign-in")
    desk.press(nurse(desk))
    desk.region("Session")
    desk.entry("NHS number")
    desk.step("signed in")


def nurse(desk):
    """The button of the triage nurse."""
    def sought():
        return next((node for node in desk.nodes() if node.role in BUTTON
                     and node.name.startswith("Sign in as") and NURSE in node.name.lower()), None)

    return desk.until(sought, f"a button 'Sign in as … {NURSE} …'")


def search(desk, child):
    desk.fill("NHS number", child.number)
    desk.fill("Date of birth", child.born)
    desk.press(desk.button(name="Find patient"))
    desk.region("Patient banner")
    desk.button(name="Open child protection information")


def answered(desk):
    """The whole of what opening must show."""
    desk.region("Child protection information")
    desk.wait(starts="Alert")
    for name in ("Patient banner", "Social care contact", "Access history", "Session"):
        desk.region(name)
    desk.wait(role="heading", contains="Child Protection Plan")
    desk.wait(contains="Recorded")
    desk.wait(contains="This is not a referral")
    desk.step("opened: the alert, the numbers to ring, the history, and that it was recorded")
