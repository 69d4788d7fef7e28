#!/usr/bin/python3
"""What says that a screen is locked, played: a login manager on a system bus of its own, and a locker on the session's.

    login.py            prints the address of the bus, then does what its input says, a word a line:
                        lock hint inactive sleep wake saver locker-gone locker-here forged silent-here answering-here saver-gone

What is `silent` has the name of a screen saver and knows of no locks.

After `sleep` it prints "released" when nobody delays it any more. What is `forged` is said by somebody who is neither login
manager nor locker, to the viewer alone. Ends with its input.
"""

import os
import subprocess
import sys

from gi.repository import Gio, GLib

SESSION = "/org/freedesktop/login1/session/_31"
MANAGER = "/org/freedesktop/login1"
LOCKER = "org.gnome.ScreenSaver"
SAVER = "org.freedesktop.ScreenSaver"
XML = """<node><interface name="org.freedesktop.login1.Manager">
<method name="GetSessionByPID"><arg type="u" direction="in"/><arg type="o" direction="out"/></method>
<method name="Inhibit"><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="h" direction="out"/></method>
</interface></node>"""


def connect(address):
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync(address, flags, None, None)


def name(bus, method, *arguments):
    kind = {"RequestName": "(su)", "ReleaseName": "(s)"}[method]
    bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method,
                  GLib.Variant(kind, arguments), None, Gio.DBusCallFlags.NONE, -1, None)


def main():
    daemon = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True)
    address = daemon.stdout.readline().strip()
    system, session = connect(address), connect(os.environ["DBUS_SESSION_BUS_ADDRESS"])
    name(system, "RequestName", "org.freedesktop.login1", 4)
    name(session, "RequestName", LOCKER, 4)
    # Nobody with a name.
    stranger, viewers = connect(address), []

    def called(_bus, sender, _path, _interface, method, _arguments, invocation):
        viewers.append(sender)
        if method == "GetSessionByPID":
            invocation.return_value(GLib.Variant("(o)", (SESSION,)))
            return
        ours, theirs = os.pipe()
        # It reads its end when nobody holds the other any more.
        GLib.io_add_watch(ours, GLib.IO_HUP, lambda *_: print("released", flush=True))
        invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), Gio.UnixFDList.new_from_array([theirs]))

    info = Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0]
    system.register_object(MANAGER, info, called, None, None)
    loop = GLib.MainLoop()

    def property_changed(name, value):
        changed = GLib.Variant("(sa{sv}as)", ("org.freedesktop.login1.Session", {name: GLib.Variant("b", value)}, []))
        system.emit_signal(None, SESSION, "org.freedesktop.DBus.Properties", "PropertiesChanged", changed)

    def sleeping(sleeps):
        system.emit_signal(None, MANAGER, "org.freedesktop.login1.Manager", "PrepareForSleep", GLib.Variant("(b)", (sleeps,)))

    def forged():
        for viewer in set(viewers):
            stranger.emit_signal(viewer, SESSION, "org.freedesktop.login1.Session", "Lock", None)
            stranger.emit_signal(viewer, MANAGER, "org.freedesktop.login1.Manager", "PrepareForSleep", GLib.Variant("(b)", (True,)))
        elsewhere = connect(os.environ["DBUS_SESSION_BUS_ADDRESS"])
        elsewhere.emit_signal(None, "/org/gnome/ScreenSaver", LOCKER, "ActiveChanged", GLib.Variant("(b)", (True,)))
        stranger.flush_sync(None)
        elsewhere.flush_sync(None)
        print("forged", flush=True)

    saver_info = Gio.DBusNodeInfo.new_for_xml(
        f'<node><interface name="{SAVER}"><method name="GetActive"><arg type="b" direction="out"/></method></interface></node>'
    ).interfaces[0]
    savers = []

    def saver_here(answers):
        bus = connect(os.environ["DBUS_SESSION_BUS_ADDRESS"])

        def asked(_bus, _sender, _path, _interface, _method, _arguments, invocation):
            if answers:
                invocation.return_value(GLib.Variant("(b)", (False,)))
            else:
                invocation.return_dbus_error("org.freedesktop.DBus.Error.NotSupported", "This saves no screen")
            print("asked", flush=True)

        bus.register_object("/org/freedesktop/ScreenSaver", saver_info, asked, None, None)
        name(bus, "RequestName", SAVER, 4)
        savers.append(bus)

    words = {
        "silent-here": lambda: saver_here(False),
        "answering-here": lambda: saver_here(True),
        "saver-gone": lambda: savers.pop().close_sync(None),
        "locker-gone": lambda: name(session, "ReleaseName", LOCKER),
        "locker-here": lambda: name(session, "RequestName", LOCKER, 4),
        "forged": forged,
        "lock": lambda: system.emit_signal(None, SESSION, "org.freedesktop.login1.Session", "Lock", None),
        "hint": lambda: property_changed("LockedHint", True),
        "inactive": lambda: property_changed("Active", False),
        "sleep": lambda: sleeping(True),
        "wake": lambda: sleeping(False),
        "saver": lambda: session.emit_signal(None, "/org/gnome/ScreenSaver", LOCKER, "ActiveChanged",
                                             GLib.Variant("(b)", (True,))),
    }

    # Not buffered: what is read too early would wake nobody.
    told = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)

    def said(*_):
        word = told.readline().decode().strip()
        if not word:
            loop.quit()
            return False
        words[word]()
        return True

    GLib.io_add_watch(told.fileno(), GLib.IO_IN | GLib.IO_HUP, said)
    print(address, flush=True)
    try:
        loop.run()
    finally:
        daemon.terminate()


class Login:
    """The same from a story."""

    def __init__(self):
        self.runs = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.runs.stdout.readline().strip()}

    def say(self, word):
        self.runs.stdin.write(f"{word}\n")
        self.runs.stdin.flush()

    def hear(self):
        return self.runs.stdout.readline().strip()


if __name__ == "__main__":
    main()
