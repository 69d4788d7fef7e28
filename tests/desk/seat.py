"""The person at the desk: eyes (the accessibility tree, screenshots) and hands (keyboard, actions).

Waits are for conditions, never for times. `CPIS_DESK_PATIENCE` is the longest that any of them may take; a
program that ends in the meantime ends the wait at once.
"""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

PATIENCE = float(os.environ.get("CPIS_DESK_PATIENCE", "60"))

# Names that AT-SPI has had for one role over its versions.
BUTTON = ("button", "push button")
ENTRY = ("entry", "text")
HEADING = ("heading",)
# What may hold other things and be named as a region.
REGION = ("landmark", "panel", "grouping", "section", "filler")


class Missing(AssertionError):
    """What the story waited for did not come."""


@dataclass
class Node:
    """One thing in the tree, as it was when it was read."""

    depth: int
    role: str
    name: str
    text: str
    description: str
    focused: bool
    at: Atspi.Accessible

    def words(self):
        return [word for word in (self.name, self.text, self.description) if word]


class Seat:
    def __init__(self):
        self.started = time.monotonic()
        self.programs = []
        self.logs = []
        switch_accessibility_on()
        Atspi.init()

    # Programs.

    def start(self, command, env=None):
        """Starts a program; its output goes to a log that a failure keeps."""
        log = Path(os.environ["HOME"], f"{Path(command[0]).name}-{len(self.programs)}.log")
        with open(log, "wb") as out:
            program = subprocess.Popen([str(part) for part in command], env=os.environ | (env or {}),
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.programs.append(program)
        self.logs.append(log)
        return program

    def forget(self, program):
        """A program that was to end."""
        at = self.programs.index(program)
        del self.programs[at], self.logs[at]

    def close(self):
        for program in self.programs:
            if program.poll() is None:
                program.terminate()

    def step(self, what):
        print(f"  {time.monotonic() - self.started:6.1f} s  {what}", flush=True)

    def until(self, condition, what, patience=PATIENCE):
        """Waits until `condition()` gives something, and returns it."""
        end = time.monotonic() + patience
        while True:
            if found := condition():
                return found
            for program, log in zip(self.programs, self.logs):
                if program.poll() is not None:
                    raise Missing(f"{what}: {log.stem} has ended with {program.returncode}")
            if time.monotonic() > end:
                raise Missing(f"{what}: not within {patience:.0f} s")
            time.sleep(0.1)

    def logged(self, *secrets):
        """What of `secrets` the programs have written to their logs."""
        bare = lambda word: re.sub(r"[\s,/-]", "", word).lower()
        logs = bare("".join(log.read_text(errors="replace") for log in self.logs))
        return [secret for secret in secrets if bare(secret) in logs]

    # Eyes.

    def nodes(self):
        """Everything in the tree now, from the top."""
        found = []
        desktop = Atspi.get_desktop(0)
        # What is cached may be what was there before. (Turning the cache off makes libatspi 2.46 loop for ever.)
        desktop.clear_cache()
        for index in range(desktop.get_child_count()):
            try:
                if application := desktop.get_child_at_index(index):
                    read(application, 0, found)
            except GLib.Error:
                pass  # it ended while we looked
        return found

    def find(self, role=None, name=None, starts=None, contains=None, focused=None):
        """The first thing that agrees with all that is asked, or None. Words may be its name, text or description."""
        roles = (role,) if isinstance(role, str) else role
        for node in self.nodes():
            if roles and node.role not in roles or focused is not None and node.focused != focused:
                continue
            if name is not None and node.name != name:
                continue
            if starts is not None and not any(word.startswith(starts) for word in node.words()):
                continue
            if contains is not None and not any(contains.lower() in word.lower() for word in node.words()):
                continue
            return node
        return None

    def wait(self, patience=PATIENCE, **sought):
        return self.until(lambda: self.find(**sought), f"waiting for {sought}", patience)

    def wait_gone(self, patience=PATIENCE, **sought):
        self.until(lambda: not self.find(**sought), f"waiting until there is no {sought}", patience)

    def button(self, **sought):
        return self.wait(role=BUTTON, **sought)

    def entry(self, name):
        return self.wait(role=ENTRY, name=name)

    def region(self, name):
        return self.wait(role=REGION, name=name)

    def tree(self):
        def line(node):
            more = "".join(f" = {word!r}" for word in (node.text, node.description) if word and word != node.name)
            return f"{'  ' * node.depth}{node.role}: {node.name!r}{more}{' (focused)' if node.focused else ''}"

        return "\n".join(map(line, self.nodes()))

    def words(self):
        """All that can be read: in the tree, and in the titles of the windows."""
        return [word for node in self.nodes() for word in node.words()] + self.titles()

    def titles(self):
        ids = output("xdotool", "search", "--name", ".").split()
        return [output("xdotool", "getwindowname", one).strip() for one in ids]

    def traces(self, *secrets):
        """What can still be read of `secrets`, whatever its case and its spaces."""
        bare = lambda word: re.sub(r"[\s,/-]", "", word).lower()
        words = [bare(word) for word in self.words()]
        return [secret for secret in secrets if any(bare(secret) in word for word in words)]

    def wait_no_traces(self, *secrets):
        self.until(lambda: not self.traces(*secrets), f"something of {len(secrets)} secrets is still to be read")

    def shot(self, path):
        subprocess.run(["import", "-window", "root", str(path)], check=True, timeout=60)

    def picture(self, name):
        """A picture for people, where somebody asked for pictures."""
        if folder := os.environ.get("CPIS_DESK_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            # What is in the tree is painted a moment later.
            time.sleep(0.5)
            window = output("xdotool", "getactivewindow").strip()
            # Few colours: a third of the size, and nothing to see of it.
            subprocess.run(["import", "-window", window, "+dither", "-colors", "64", str(Path(folder, f"{name}.png"))],
                           check=True, timeout=60)

    # Hands.

    def window(self):
        """Waits until a window is there and has the keyboard."""
        self.until(lambda: output("xdotool", "getactivewindow").strip(), "a window with the keyboard")

    def press(self, node):
        """What a screen reader does with a button."""
        node.at.get_action_iface().do_action(0)

    def focus(self, node):
        node.at.get_component_iface().grab_focus()
        self.wait(role=node.role, name=node.name, focused=True)

    def focused(self):
        return self.find(focused=True)

    def set_text(self, node, text):
        """As assistive software fills a field: at once, without the keyboard."""
        node.at.get_editable_text_iface().set_text_contents(text)
        self.wait_filled(node.name, text)

    def fill(self, name, text):
        """As a person fills a field: goes there, empties it, types."""
        self.focus(self.entry(name))
        self.key("ctrl+a", "Delete")
        self.type(text)
        self.wait_filled(name, text)

    def wait_filled(self, name, text):
        """Waits until the field reads `text`; it may put spaces of its own into it."""
        bare = lambda words: re.sub(r"\W", "", words)
        self.until(lambda: bare(self.entry(name).text) == bare(text), f"the field {name!r} to be filled")

    def key(self, *keys):
        subprocess.run(["xdotool", "key", "--clearmodifiers", "--delay", "40", *keys], check=True)

    def hold(self, key):
        subprocess.run(["xdotool", "keydown", key], check=True)

    def release(self, key):
        subprocess.run(["xdotool", "keyup", key], check=True)

    def type(self, text):
        subprocess.run(["xdotool", "type", "--clearmodifiers", "--delay", "30", text], check=True)

    def tab_to(self, role, presses=80, **sought):
        """Presses Tab until the thing sought has the focus; every press must move it."""
        for _ in range(presses):
            here = self.focused()
            wanted = self.find(role=role, focused=True, **sought)
            if wanted:
                return wanted
            self.key("Tab")
            before = here and here.at
            self.until(lambda: (now := self.focused()) and now.at != before, "Tab to move the focus")
        raise Missing(f"{presses} presses of Tab did not reach {sought}")


def read(node, depth, found):
    """Appends `node` and everything below it; what goes away meanwhile is left out."""
    try:
        text = node.get_text_iface()
        states = node.get_state_set()
        found.append(Node(
            depth,
            node.get_role_name() or "",
            node.get_name() or "",
            Atspi.Text.get_text(text, 0, -1) if text else "",
            node.get_description() or "",
            states.contains(Atspi.StateType.FOCUSED),
            node,
        ))
        for index in range(node.get_child_count()):
            if child := node.get_child_at_index(index):
                read(child, depth + 1, found)
    except GLib.Error:
        pass


def output(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout


def switch_accessibility_on():
    """Before anything starts: programs ask once, at their start, whether somebody is listening."""
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def call(method, *arguments):
        types = "(ssv)" if method == "Set" else "(ss)"
        return bus.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", method,
                             GLib.Variant(types, ("org.a11y.Status", *arguments)), None,
                             Gio.DBusCallFlags.NONE, int(PATIENCE * 1000), None)

    for property in ("IsEnabled", "ScreenReaderEnabled"):
        call("Set", property, GLib.Variant("b", True))
        if not call("Get", property).unpack()[0]:
            raise RuntimeError(f"the accessibility bus does not keep {property}")
