"""The browser's side of a story: what the person does in Chromium, which tests/signin/desk.mjs drives, and the viewer that opens
its addresses there.

    CPIS_VIEWER   the viewer's binary
    CPIS_HUB      the hub's
    SIGNIN_NODE   Node
    SIGNIN_PLACE  the folder with desk.mjs and its packages
    SIGNIN_OUT    where its files go
"""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

from seat import PATIENCE, Missing

NUMBER, BORN = "999 000 0018", "14-Jul-2019"
SECRETS = [NUMBER, BORN, "HART", "Amelia", "Child Protection Plan"]

# In place of the system's browser: says only what it was to open.
OPENS = """#!/bin/sh
printf '%s\\n' "$1" >>"$CPIS_OPENED"
"""


class Browser:
    def __init__(self, desk, story, whole_hours=12):
        self.desk = desk
        self.place = Path(os.environ["SIGNIN_OUT"]) / story
        self.opened = Path(os.environ["HOME"], "opened")
        command = [os.environ["SIGNIN_NODE"], str(Path(os.environ["SIGNIN_PLACE"], "desk.mjs")), str(self.place),
                   str(self.opened), str(whole_hours)]
        # Chromium has no window here, and is not to be found by whoever looks for the viewer's.
        outside = {key: value for key, value in os.environ.items() if not key.startswith(("DISPLAY", "DBUS_", "AT_SPI"))}
        self.node = subprocess.Popen(command, env=outside | {"NO_AT_BRIDGE": "1"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stdout)
        self.told = self.answer()

    def answer(self):
        # It waits for as long as the desk does, and then says so.
        ready, _, _ = select.select([self.node.stdout], [], [], 2 * PATIENCE)
        line = self.node.stdout.readline() if ready else b""
        if not line:
            raise Missing("the browser's side does not answer")
        told = json.loads(line)
        if "failed" in told:
            raise Missing(f"in the browser, at {told.get('at')}: {told['failed']}")
        return told

    def does(self, what, **how):
        self.node.stdin.write(json.dumps({"does": what, **how}).encode() + b"\n")
        self.node.stdin.flush()
        return self.answer()

    def picture(self, name):
        """As the desk's, of the page."""
        if folder := os.environ.get("CPIS_DESK_PICTURES"):
            self.does("picture", path=str(Path(folder, f"{name}.png").absolute()))

    def start_viewer(self, is_shared=True):
        """The real program, told of this hub, of this browser, and whether others use the computer, too."""
        config = Path(os.environ["HOME"], "viewer.toml")
        config.write_text(f"""shared_desk = {str(is_shared).lower()}
[hub]
address = "{self.told["hub"]}"
certificate_authority = "{self.told["certificate"]}"
kind = "cpis"
site = "gwh-ed"
[safeguarding-lead]
name = "Ada Byrne, named nurse for safeguarding"
telephone = "01632 960200"
[it-help]
name = "IT service desk"
telephone = "01632 960220"
""")
        opens = Path(os.environ["HOME"], "opens")
        opens.write_text(OPENS)
        opens.chmod(0o755)
        viewer = self.desk.start([os.environ["CPIS_VIEWER"], "--config", config],
                                 {"BROWSER": str(opens), "CPIS_OPENED": str(self.opened), "RUST_LOG": "trace"})
        self.desk.window()
        return viewer

    def sign_in(self, who="sam", pin="1234"):
        """From the viewer's button to the hub's page, as somebody who does not look."""
        self.begin(who, pin)
        self.desk.region("Session")

    def begin(self, who="sam", pin="1234", afresh=True):
        """As far as the press at the hub's page."""
        self.desk.press(self.desk.button(name="Sign in"))
        self.does("opened", afresh=afresh)
        self.does("logIn", who=who, pin=pin)
        self.does("read", words="Sign in at this computer?")
        self.does("press", name="Sign in")

    def close(self):
        self.node.stdin.close()
        self.node.wait(PATIENCE)


def open_child(desk):
    """Finds the child and opens what is held."""
    desk.fill("NHS number", NUMBER)
    desk.fill("Date of birth", BORN)
    desk.press(desk.button(name="Find patient"))
    desk.region("Patient banner")
    desk.press(desk.button(name="Open child protection information"))
    desk.wait(starts="Alert")
    desk.wait(contains="This is not a referral")
