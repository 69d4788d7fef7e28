"""A nurse signs in with her browser, opens a child, and is signed out by her smartcard; then signs in again and out herself.

The viewer is the real program in a real window, the provider is not ours, the browser is Chromium. See browser.py.
"""

import os
import sys
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from browser import SECRETS, Browser, open_child  # noqa: E402


# From the hub's hearing of the logout until nothing of the child is left in the window: what is promised, and what reading the
# accessibility tree of a busy machine may take besides.
PROMISED, SLACK = 2.0, 2.0


def heard_at(audit):
    """When the hub wrote that the provider had ended the session, by the computer's clock."""
    line = next(line for line in audit.splitlines() if "session-ended\tprovider\t910000000001" in line)
    return datetime.fromisoformat(line.split("\t")[0]).timestamp()


def story(desk):
    browser = Browser(desk, "nurse")
    browser.start_viewer()
    desk.wait(contains="No password is typed here")
    desk.picture("1-sign-in")

    desk.press(desk.button(name="Sign in"))
    desk.wait(role="heading", name="Go on in your web browser")
    opened = browser.does("opened")
    assert opened["opened"].startswith(f"{browser.told['hub']}/authorize?"), opened
    desk.picture("2-waiting-for-the-browser")
    browser.picture("3-provider")
    desk.step("the browser is open at the provider, and the window says so")
    browser.does("logIn", who="sam", pin="1234")
    page = browser.does("read", words="Sign in at this computer?")
    for said in ("OKAFOR Sam (Mr)", "Nurse Access Role", "GREAT WESTERN HOSPITAL"):
        assert said in page["text"], page
    browser.picture("4-hubs-page")
    assert not desk.find(role="landmark", name="Session"), "signed in before the press"
    browser.does("press", name="Sign in")
    browser.does("read", words="You can close this page")
    browser.picture("5-back")
    desk.region("Session")
    for said in ("OKAFOR Sam (Mr)", "Nurse Access Role", "GREAT WESTERN HOSPITAL", "Unscheduled care: social care is told"):
        desk.wait(contains=said)
    desk.window()
    desk.picture("6-signed-in")
    desk.step("signed in, after a press on the hub's page")

    open_child(desk)
    desk.picture("7-opened")
    desk.step("a child is opened")
    browser.does("takeOutCard")
    desk.wait(contains="because your organisation signed you out")
    desk.wait_no_traces(*SECRETS)
    cleared = time.time()
    desk.picture("8-signed-out-by-the-card")
    took = cleared - heard_at(browser.does("audit")["text"])
    print(f"         nothing was left {took:.2f} s after the hub had heard of the card", flush=True)
    assert took < PROMISED + SLACK, f"{took:.2f} s"
    desk.step("her smartcard is out: nothing of the child is left, and it says why")

    # The provider asks again, and what was typed comes back to her alone.
    desk.press(desk.button(name="Sign in"))
    browser.does("opened")
    browser.does("read", words="PIN")
    browser.does("logIn", who="sam", pin="1234")
    browser.does("press", name="Sign in")
    desk.region("Session")
    open_child(desk)
    desk.press(desk.button(name="Sign out"))
    desk.wait(contains="You are signed out. Nothing of the last session is left")
    desk.wait_no_traces(*SECRETS)
    opened = browser.does("opened")
    assert opened["opened"].startswith(f"{browser.told['hub']}/sign-out?ticket="), opened
    desk.wait(contains="If your web browser asks whether to sign you out, say yes")
    desk.picture("9-signed-out")
    browser.picture("10-provider-asks")
    browser.does("press", name="Yes, sign me out")
    browser.does("read", words="You are signed out")
    browser.picture("11-signed-out-there")
    desk.step("signed out, here and at the provider")

    # The next person at this computer is asked who they are.
    desk.press(desk.button(name="Sign in"))
    browser.does("opened")
    browser.does("read", words="PIN")
    desk.step("the next person is asked for name and PIN")
    assert not desk.logged(*SECRETS[:4], "OKAFOR"), "something of the child or the nurse is in the program's output"
    browser.close()
