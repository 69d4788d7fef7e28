"""Whoever leaves a shared desk leaves nothing: by the key, and when the computer says that it is locked, asleep or another's.

    CPIS_VIEWER  the viewer's binary
"""

import os
import sqlite3
from pathlib import Path

import people
from login import Login
from seat import ENTRY
from story_main import answered, search, sign_in

NOT_TOLD = "This computer does not tell the viewer when its screen is locked"


def story(desk):
    child = people.first("Alert: Child Protection Plan")
    # Nobody tells: it says so, and what to do.
    alone = desk.start([os.environ["CPIS_VIEWER"], "--demo"], {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    sign_in(desk)
    desk.wait(contains=NOT_TOLD)
    desk.picture("lock-not-told")
    alone.terminate()
    alone.wait()
    desk.forget(alone)

    login = Login()
    viewer = desk.start([os.environ["CPIS_VIEWER"], "--demo"], login.environment | {"RUST_LOG": "trace"})
    # A login manager alone does not tell: many a locker says nothing to it. One that comes later does, while it is there.
    login.say("locker-gone")
    sign_in(desk)
    desk.wait(contains=NOT_TOLD)
    login.say("locker-here")
    desk.wait_gone(contains=NOT_TOLD)
    login.say("locker-gone")
    desk.wait(contains=NOT_TOLD)
    # Nor does whatever has a screen saver's name only so that others can keep the screen on.
    login.say("silent-here")
    assert login.hear() == "asked"
    # Long enough for the answer to be there; what is open has the line's room.
    search(desk, child)
    desk.press(desk.button(name="New search"))
    desk.wait(contains=NOT_TOLD)
    login.say("saver-gone")
    login.say("answering-here")
    assert login.hear() == "asked"
    desk.wait_gone(contains=NOT_TOLD)
    login.say("saver-gone")
    desk.wait(contains=NOT_TOLD)
    login.say("locker-here")
    desk.wait_gone(contains=NOT_TOLD)
    desk.step("a locker that comes and goes is heard, and without one it says so")
    login.say("forged")
    assert login.hear() == "forged"
    search(desk, child)
    assert open_sessions(viewer) == 1, "somebody who is neither has ended the session"
    desk.press(desk.button(name="Sign out"))
    desk.wait(starts="You are signed out")
    desk.step("a lock that another program makes up is not believed")
    for how in ("Ctrl+L", "lock", "hint", "inactive", "sleep", "saver"):
        sign_in(desk)
        assert not desk.find(contains=NOT_TOLD), "it does tell"
        search(desk, child)
        desk.press(desk.button(name="Open child protection information"))
        answered(desk)
        desk.press(desk.button(starts="Copy summary"))
        desk.wait(contains="Copied")
        if how == "Ctrl+L":
            desk.key("ctrl+l")
            desk.wait(starts="Locked. You are signed out, and nothing of the last session is left")
            desk.picture("locked")
        else:
            login.say(how)
            desk.wait(starts="The computer was locked, asleep or with another user. You are signed out")
            desk.picture(f"computer-{how}")
        desk.wait_no_traces(*child.secrets(), "Sam Okafor, Staff")
        desk.until(lambda: open_sessions(viewer) == 0, "the hub to hear that the session is over")
        if how == "sleep":
            assert login.hear() == "released", "the computer waits for the hub, and not for ever"
            login.say("wake")
        desk.press(desk.button(starts="Sign in as Dr Priya Nair"))
        desk.wait(role=ENTRY, name="NHS number", focused=True)
        desk.key("ctrl+z", "ctrl+z")
        desk.type("5")
        desk.wait_filled("NHS number", "5")
        assert not desk.traces(*child.secrets(), "Sam Okafor, Staff"), "the next nurse finds something"
        desk.press(desk.button(name="Sign out"))
        desk.step(f"{how}: nothing is left, and the session is over at the hub")
    assert not desk.logged(*child.secrets()), "something of the child is in the program's output"


def open_sessions(viewer):
    """Sessions of the program's own hub that go on."""
    open_files = (os.readlink(one) for one in Path(f"/proc/{viewer.pid}/fd").iterdir() if one.is_symlink())
    database = next(file for file in open_files if file.endswith("/hub.db"))
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as book:
        return book.execute("SELECT count(*) FROM session WHERE ended_ms IS NULL").fetchone()[0]
