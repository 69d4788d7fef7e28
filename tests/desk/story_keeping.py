"""A desk of one's own: the session is in a real keychain, goes on after the viewer was killed, and is gone when it is over.

    CPIS_VIEWER  the viewer's binary

The hub is the demonstration's; a script in the browser's place signs in there as its triage nurse, and presses on the hub's page.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from gi.repository import Gio, GLib

import people
from login import Login
from seat import ENTRY
from story_lock import open_sessions
from story_main import answered, search

NAME = "Sam Okafor"
GO_ON = f"Continue as {NAME}"
NO_KEYCHAIN = "This computer cannot keep you signed in"
BROWSER = """#!{python}
import http.cookiejar, re, sys, urllib.parse, urllib.request
address, seen = sys.argv[1], open({seen!r}, "a")
print(address, file=seen, flush=True)
if "/authorize?" in address and not open({holds!r}).read():
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browse = urllib.request.build_opener(urllib.request.ProxyHandler({{}}), cookies).open
    page = browse(address + "&login_hint=0")
    at, form = urllib.parse.urlsplit(page.url), re.search('name="form" value="([^"]*)"', page.read().decode())[1]
    pressed = urllib.parse.urlencode({{"form": form, "answer": "sign-in"}}).encode()
    browse(urllib.request.Request(page.url, pressed, {{"Origin": at.scheme + "://" + at.netloc}})).read()
"""


def story(desk):
    child = people.first("Alert: Child Protection Plan")
    home, login = Path(os.environ["HOME"]), Login()
    # Its own window is of no interest, and not in the tree.
    demo = desk.start([os.environ["CPIS_VIEWER"], "--demo"], {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"})
    hub = desk.until(lambda: hub_of(demo), "the demonstration's hub")
    desk.window()
    subprocess.run(["xdotool", "getactivewindow", "windowminimize"], check=True)
    seen, holds, browser = home / "seen", home / "holds", home / "browser"
    seen.touch(), holds.touch()
    browser.write_text(BROWSER.format(python=sys.executable, seen=str(seen), holds=str(holds)))
    browser.chmod(0o700)
    config = home / "viewer.toml"
    starting = Path(__file__).resolve().parents[2] / "packaging" / "viewer.toml"
    config.write_text(starting.read_text().replace("https://cpis-hub.example.nhs.uk", hub)
                      .replace('site = "gwh-ed"', "").replace("shared_desk = true", "shared_desk = false"))

    def start():
        viewer = desk.start([os.environ["CPIS_VIEWER"], "--config", config],
                            login.environment | {"BROWSER": str(browser), "RUST_LOG": "trace"})
        desk.window()
        return viewer

    def end(viewer, how):
        viewer.send_signal(how)
        viewer.wait()
        desk.forget(viewer)

    # Without a keychain.
    viewer = start()
    holds.write_text("wait")
    sign_in = desk.button(name="Sign in")
    desk.picture("own-sign-in")
    desk.press(sign_in)
    desk.wait(starts="After you have signed in there, check that the page shows ")
    desk.picture("own-waiting")
    desk.press(desk.button(name="Cancel"))
    holds.write_text("")
    desk.press(desk.button(name="Sign in"))
    desk.wait(contains=NO_KEYCHAIN)
    desk.picture("own-no-keychain")
    end(viewer, signal.SIGTERM)
    assert "/sign-out?" not in seen.read_text(), "a viewer that ends opens no page"
    desk.until(lambda: open_sessions(demo) == 0, "the hub to hear of the end")
    desk.step("without a keychain: signed in, and it says what that means")

    # With one, and killed.
    subprocess.run(["gnome-keyring-daemon", "--replace", "--unlock", "--components=secrets"], input=b"secret", check=True,
                   stdout=subprocess.DEVNULL)
    viewer = start()
    desk.press(desk.button(name="Sign in"))
    desk.entry("NHS number")
    assert not desk.find(contains=NO_KEYCHAIN), "there is one now"
    search(desk, child)
    desk.press(desk.button(name="Open child protection information"))
    answered(desk)
    end(viewer, signal.SIGKILL)
    viewer = start()
    desk.wait(role="heading", name=GO_ON)
    assert not desk.traces(*child.secrets())
    desk.picture("own-continue")
    desk.press(desk.button(name=GO_ON))
    desk.wait(role=ENTRY, name="NHS number", focused=True)
    search(desk, child)
    desk.step("killed, and goes on")

    # The viewer or the computer is locked, and the viewer killed right after it: the patient goes, the session is over, and the
    # provider asks who it is.
    for how in ("ctrl+l", "lock", "lock and killed", "sleep and killed"):
        if how == "ctrl+l":
            desk.key(how)
            desk.wait(starts="Locked. You are signed out, and nothing of the last session is left")
        else:
            login.say(how.split()[0])
        if how.endswith("killed"):
            desk.until(lambda: kept() == "([], [])", "the keychain to be empty")
            end(viewer, signal.SIGKILL)
            viewer = start()
        desk.wait(role="heading", name="Sign in")
        desk.wait_no_traces(*child.secrets(), NAME)
        assert kept() == "([], [])", kept()
        if how == "lock":
            desk.picture("own-computer-locked")
        if how.startswith("sleep"):
            login.say("wake")
        asked = len(seen.read_text().splitlines())
        desk.press(desk.button(name="Sign in"))
        desk.wait(role=ENTRY, name="NHS number", focused=True)
        assert ["prompt=login" in line for line in seen.read_text().splitlines()[asked:]] == [True], how
        desk.until(lambda: open_sessions(demo) == 1, "the session before to be over")
        search(desk, child)
        desk.step(f"{how}: the next sign-in is a fresh one")
    desk.press(desk.button(name="Sign out"))
    desk.wait(starts="You are signed out. Nothing of the last session is left")
    end(viewer, signal.SIGTERM)
    start()
    desk.button(name="Sign in")
    desk.wait_no_traces(NAME)
    assert not left_of(home, NAME, *child.secrets()), "something of the session is in a file"
    assert not desk.logged(*child.secrets(), NAME), "something of somebody is in the program's output"
    assert kept() == "([], [])", kept()
    desk.step("signed out: nothing is left in keychain, files and window")
    end(desk.programs[-1], signal.SIGTERM)

    # The same desk, shared: what was killed comes back to nobody.
    config.write_text(config.read_text().replace("shared_desk = false", "shared_desk = true"))
    viewer = start()
    desk.press(desk.button(name="Sign in"))
    search(desk, child)
    assert "prompt=login" in seen.read_text().splitlines()[-1], "the provider asks who it is"
    end(viewer, signal.SIGKILL)
    start()
    desk.button(name="Sign in")
    assert not desk.traces(*child.secrets(), NAME) and not left_of(home, NAME, *child.secrets()) and kept() == "([], [])"
    desk.step("shared and killed: nothing is left")


def kept():
    """The viewer's entries in the keychain, unlocked and locked."""
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    found = bus.call_sync("org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.Secret.Service", "SearchItems",
                          GLib.Variant("(a{ss})", ({"service": "cpis-viewer"},)), None, Gio.DBusCallFlags.NONE, -1, None)
    return str(found.unpack())


def left_of(home, *secrets):
    """Files under the home in which one of them can be read."""
    def holds(file):
        try:
            text = file.read_bytes().decode("latin-1")
        except OSError:
            return False
        return any(secret in text for secret in secrets)

    return [file for file in home.rglob("*") if file.is_file() and file.name != "seen" and holds(file)]


def hub_of(demo):
    """The address at which the demonstration's hub listens: one of the two of its process."""
    sockets = set()
    for one in Path(f"/proc/{demo.pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(one))
        except OSError:
            pass
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            address = f"http://127.0.0.1:{int(fields[1].split(':')[1], 16)}"
            try:
                with urllib.request.urlopen(f"{address}/.well-known/oauth-authorization-server", timeout=10) as answer:
                    if json.load(answer)["issuer"] == address:
                        return address
            except (OSError, ValueError, KeyError):
                pass
    return None
