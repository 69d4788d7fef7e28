"""Whoever logs out of the computer ends its programs: the session is over at the hub, also where the window stands still.

    CPIS_VIEWER  the viewer's binary

The hub is the demonstration's. A window stands still while the display does not answer.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from seat import ENTRY
from story_keeping import BROWSER, hub_of
from story_lock import open_sessions

# What the viewer ends with where it could not wait for its window.
WITHOUT_WINDOW = 4


def story(desk):
    home = Path(os.environ["HOME"])
    demo = desk.start([os.environ["CPIS_VIEWER"], "--demo"], {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"})
    hub = desk.until(lambda: hub_of(demo), "the demonstration's hub")
    desk.window()
    subprocess.run(["xdotool", "getactivewindow", "windowminimize"], check=True)
    seen, holds, browser, config = home / "seen", home / "holds", home / "browser", home / "viewer.toml"
    seen.touch(), holds.touch()
    browser.write_text(BROWSER.format(python=sys.executable, seen=str(seen), holds=str(holds)))
    browser.chmod(0o700)
    starting = Path(__file__).resolve().parents[2] / "packaging" / "viewer.toml"
    config.write_text(starting.read_text().replace("https://cpis-hub.example.nhs.uk", hub).replace('site = "gwh-ed"', ""))

    def signed_in():
        viewer = desk.start([os.environ["CPIS_VIEWER"], "--config", config], {"BROWSER": str(browser)})
        desk.window()
        desk.press(desk.button(name="Sign in"))
        desk.wait(role=ENTRY, name="NHS number", focused=True)
        assert open_sessions(demo) == 1
        desk.forget(viewer)
        return viewer

    for how in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        viewer = signed_in()
        viewer.send_signal(how)
        assert viewer.wait() == 0, viewer.returncode
        desk.until(lambda: open_sessions(demo) == 0, "the hub to hear of it")
    desk.step("told to end, it closes its window, and the session is over")

    for again in (False, True):
        viewer, display = signed_in(), own_display()
        os.kill(display, signal.SIGSTOP)
        try:
            viewer.send_signal(signal.SIGTERM)
            desk.until(lambda: open_sessions(demo) == 0, "the hub to hear of it while the window stands still")
            if again:
                viewer.send_signal(signal.SIGTERM)
            assert viewer.wait() == WITHOUT_WINDOW, viewer.returncode
        finally:
            os.kill(display, signal.SIGCONT)
    desk.step("a window that stands still keeps neither the session nor the computer")



def own_display():
    """The process that is this desk's display: what stands above us has started it."""
    parents, displays = {}, []
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = one.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        parents[int(one.parent.name)] = int(rest.split()[1])
        if name == "Xvfb":
            displays.append(int(one.parent.name))
    above, at = set(), os.getpid()
    while at := parents.get(at, 0):
        above.add(at)
    return next(display for display in displays if parents[display] in above)
