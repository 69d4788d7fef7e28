"""Whoever logs out of the computer ends its programs: the session is over at the hub, also where the window stands still.

    CPIS_VIEWER  the viewer's binary

The hub is the demonstration's. A window stands still while the display does not answer.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from seat import ENTRY
from story_keeping import BROWSER, hub_of
from story_lock import open_sessions

CLIPBOARD = ("xclip", "-selection", "clipboard")
SUMMARY = "SAFEGUARDING: hide from online and proxy access; not for discharge letters or copies to parents or carers"

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
        # A busy machine may take too long for its window.
        assert viewer.wait() in (0, WITHOUT_WINDOW), viewer.returncode
        desk.until(lambda: open_sessions(demo) == 0, "the hub to hear of it")
    desk.step("told to end, it closes its window, and the session is over")

    for again in (False, True):
        viewer, display = signed_in(), own_display()
        os.kill(display, signal.SIGSTOP)
        try:
            viewer.send_signal(signal.SIGTERM)
            if again:
                # At once, and the hub takes its time: it hears of it before the program is gone.
                demo.send_signal(signal.SIGSTOP)
                time.sleep(0.2)
                viewer.send_signal(signal.SIGTERM)
                time.sleep(0.2)
                demo.send_signal(signal.SIGCONT)
            assert viewer.wait() == WITHOUT_WINDOW, viewer.returncode
            desk.until(lambda: open_sessions(demo) == 0, "the hub to hear of it while the window stands still")
        finally:
            os.kill(display, signal.SIGCONT)
    desk.step("a window that stands still keeps neither the session nor the computer")

    # What was copied stays where something else keeps it: the next start takes a summary out, and nothing else.
    for there, is_left in ((SUMMARY + "\r\nCP-IS checked", False), ("see: " + SUMMARY, True)):
        subprocess.run(CLIPBOARD, input=there.encode(), check=True)
        assert clipboard() == there
        viewer = desk.start([os.environ["CPIS_VIEWER"], "--config", config])
        desk.button(name="Sign in")
        if is_left:
            desk.until(lambda: has_looked(viewer), "the look at the clipboard")
        else:
            desk.until(lambda: clipboard() == "", "the clipboard to be empty")
        assert clipboard() == (there if is_left else "")
        desk.forget(viewer)
        viewer.terminate()
        viewer.wait()
    desk.step("a summary that a viewer which crashed has left in the clipboard is taken out by the next start")


def clipboard():
    return subprocess.run([*CLIPBOARD, "-out"], capture_output=True).stdout.decode()


def has_looked(viewer):
    """Its thread for the clipboard has come and gone: it is started before the window is drawn."""
    names = (task.read_text().strip() for task in Path(f"/proc/{viewer.pid}/task").glob("*/comm"))
    return "cpis-clipboard" not in names


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
