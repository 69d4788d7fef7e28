"""Somebody without a chosen role picks one; somebody who does not want to is not signed in, nor is whoever leaves the provider out of
it; a session that is as long as it may be is renewed while somebody works, and ends.
"""

import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from browser import SECRETS, Browser, open_child  # noqa: E402


def story(desk):
    browser = Browser(desk, "roles", whole_hours=1)
    browser.start_viewer(is_shared=False)
    desk.press(desk.button(name="Sign in"))
    browser.does("opened")
    browser.does("logIn", who="ruth", pin="1234")
    browser.does("read", words="In which role do you work now?")
    browser.picture("20-roles")
    browser.does("press", name="Do not sign in")
    desk.wait(contains="You are not signed in: it was declined")
    desk.picture("21-declined")
    desk.step("declined, and the window says so")

    # On a desk of one's own, too, the provider is asked for a fresh sign-in each time.
    desk.press(desk.button(name="Sign in"))
    assert "&prompt=login" in browser.does("opened")["opened"]
    browser.does("logIn", who="ruth", pin="1234")
    browser.does("choose", name="Midwife Access Role")
    browser.does("press", name="Sign in")
    desk.region("Session")
    for said in ("Midwife Access Role", "TORBAY HOSPITAL", "Scheduled care: social care is not told"):
        desk.wait(contains=said)
    desk.picture("22-midwife")
    assert "role-picked\tpicked\t910000000002" in browser.does("audit")["text"]
    desk.step("a role picked at the hub is the session's")
    desk.press(desk.button(name="Sign out"))
    browser.does("opened")
    browser.does("press", name="Yes, sign me out")

    desk.press(desk.button(name="Sign in"))
    browser.does("opened")
    browser.does("logIn", who="lost", pin="1234")
    browser.does("read", words="none of your roles")
    browser.picture("23-refused")
    browser.does("press", name="Go back to the viewer", role="link")
    desk.wait(contains="You are not signed in: it was declined, or your organisation did not let you in")
    desk.step("a role that is none of hers: refused, and led back")
    browser.does("takeOutCard")

    # Somebody has shown who they are nearly an hour ago, and went; whoever comes takes that the provider has to ask again out of
    # the browser's address.
    browser.begin("sam", "late", afresh=False)
    desk.wait(contains="You are not signed in")
    assert "code-not-fresh" in browser.does("audit")["text"]
    desk.step("what the provider remembers of an hour ago lets nobody in")
    browser.does("takeOutCard")

    browser.sign_in("sam")
    first = refresh_token(browser)
    open_child(desk)
    # Of the hour that it may last all but two minutes are over, and its access token is good no longer.
    browser.does("kill")
    leave(browser, seconds=120)
    browser.does("startWithAnotherKey")
    # At work: a key now and then, which asks the hub for nothing.
    renewed = lambda: desk.key("Shift_L") or refresh_token(browser) != first
    desk.until(renewed, "the session to be renewed", patience=180)
    assert desk.find(starts="Alert"), "renewed, and nobody saw it"
    desk.step("the session was renewed while somebody was there")
    began = time.monotonic()
    desk.wait(contains="because it has lasted as long as a session may", patience=180)
    desk.wait_no_traces(*SECRETS)
    desk.picture("24-over")
    desk.step(f"and is over {time.monotonic() - began:.0f} s later")
    browser.close()


def leave(browser, seconds):
    """So much of the session that goes on."""
    database = sqlite3.connect(browser.told["database"])
    try:
        with database:
            database.execute("UPDATE session SET over_ms = ? WHERE ended_ms IS NULL", (int((time.time() + seconds) * 1000),))
    finally:
        database.close()


def refresh_token(browser):
    """What the hub keeps of the one that is good now."""
    database = sqlite3.connect(f"file:{browser.told['database']}?mode=ro", uri=True)
    try:
        return database.execute("SELECT current FROM session WHERE ended_ms IS NULL").fetchone()
    finally:
        database.close()
