"""The connection to the hub is cut while a child is open: covered, and uncovered only once the hub has said that the session goes on.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from browser import SECRETS, Browser, open_child  # noqa: E402

LOST = "Connection to the hub lost"

# From the cut until nothing is to be read: what is promised, and what reading the accessibility tree of a busy machine may take
# besides.
PROMISED, SLACK = 10.0, 2.0


def story(desk):
    browser = Browser(desk, "lost")
    browser.start_viewer()
    browser.sign_in()
    open_child(desk)

    took = cut(desk, browser)
    desk.picture("30-connection-lost")
    print(f"         covered {took:.1f} s after the cut", flush=True)
    assert took < PROMISED + SLACK, f"{took:.1f} s"
    # Somebody listens again, and it is not the hub: nobody has said that the session goes on.
    browser.does("freeze")
    browser.does("putBack")
    time.sleep(8)
    assert desk.find(role="heading", name=LOST) and not desk.traces(*SECRETS), "uncovered, and nobody has said anything"
    desk.step("a connection alone uncovers nothing")
    began = time.monotonic()
    browser.does("thaw")
    desk.wait(starts="Alert")
    for name in ("Patient banner", "Social care contact", "Access history", "Session"):
        desk.region(name)
    print(f"         uncovered {time.monotonic() - began:.1f} s after the hub answered again", flush=True)
    desk.picture("31-back")
    desk.step("the hub has confirmed the session: the record is back by itself")
    assert browser.does("audit")["text"].count("view\trecorded") <= 1, "opened a second time"

    # The session ends behind the cut: what was covered never comes back.
    cut(desk, browser)
    browser.does("takeOutCard")
    browser.does("putBack")
    # It does not renew by itself: that would be a sign of somebody at work.
    desk.wait(role="heading", name="Press a key to connect again")
    assert not desk.traces(*SECRETS)
    desk.picture("32-press-a-key")
    desk.key("Shift_L")
    desk.wait(contains="Your session has ended")
    assert not desk.traces(*SECRETS)
    desk.picture("33-ended-meanwhile")
    desk.step("ended meanwhile: nothing comes back")
    browser.close()


def cut(desk, browser):
    browser.does("cut")
    began = time.monotonic()
    desk.wait(role="heading", name=LOST)
    desk.wait_no_traces(*SECRETS)
    return time.monotonic() - began
