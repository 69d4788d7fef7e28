"""The main story by keyboard alone: Tab, Enter and typing. The tree is only looked at, never acted upon.

    CPIS_VIEWER  the viewer's binary
"""

import os
import time

import people
from seat import BUTTON, ENTRY
from story_main import NURSE, answered, nurse

# An Enter this soon after the search's answer never opens (viewer.md: 700 ms).
GUARD = 0.7


def story(desk):
    child = people.first("Alert: Child Protection Plan")
    desk.start([os.environ["CPIS_VIEWER"], "--demo"], {"RUST_LOG": "trace"})
    desk.window()
    wanted = nurse(desk)
    desk.tab_to(BUTTON, name=wanted.name)
    desk.key("Return")
    desk.region("Session")
    desk.step(f"signed in as the {NURSE}")

    desk.wait(role=ENTRY, name="NHS number", focused=True)
    desk.step("the first field has the keyboard by itself")
    desk.type(child.number)
    desk.wait_filled("NHS number", child.number)
    desk.tab_to(ENTRY, name="Date of birth")
    desk.type(child.born)
    desk.wait_filled("Date of birth", child.born)

    # Held down, as by an impatient finger: it searches, and however long it is held it opens nothing.
    desk.hold("Return")
    try:
        desk.button(name="Open child protection information")
        time.sleep(2 * GUARD)
    finally:
        desk.release("Return")
    assert not desk.find(starts="Alert"), "a held Enter opened the information"
    desk.step("found; a held Enter opened nothing")

    time.sleep(GUARD)
    desk.tab_to(BUTTON, name="Open child protection information")
    desk.key("Return")
    answered(desk)

    desk.tab_to(BUTTON, name="Hide patient")
    desk.key("Return")
    desk.wait_no_traces(*child.secrets())
    desk.tab_to(BUTTON, name="New search")
    desk.key("Return")
    desk.wait(role=ENTRY, name="NHS number", focused=True)
    desk.key("ctrl+z", "ctrl+z", "ctrl+z")
    # A digit typed after them: once it is there, they have been dealt with.
    desk.type("5")
    desk.until(lambda: desk.entry("NHS number").text.endswith("5"), "the digit typed after Ctrl+Z")
    assert not desk.traces(*child.secrets()), "Ctrl+Z brought something of the child back"
    desk.step("hidden: nothing left to read, and undo brings nothing back")

    desk.tab_to(BUTTON, name="Sign out")
    desk.key("Return")
    desk.button(starts="Sign in as")
    desk.wait_no_traces(*child.secrets())
    desk.step("signed out")
