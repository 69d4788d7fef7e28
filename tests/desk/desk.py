#!/usr/bin/python3
"""A desk with a real window, and somebody at it.

    tests/desk/desk.py STORY...        (story_main, or a path to a story)

Each story gets a desk of its own: a display nobody else uses, a window manager, a session bus with the
accessibility bus switched on before anything starts, and a home of its own. A story is a Python file with
`def story(desk)`; it finds things by role and name as a screen reader does, types as a keyboard does, and
looks at screenshots. Whatever happens, everything started here is ended again.

    CPIS_DESK_OUT       where a failed story leaves its screenshot, its accessibility tree and its log
    CPIS_DESK_PICTURES  where `desk.picture(name)` puts pictures; without it none are taken
    CPIS_DESK_PATIENCE  seconds that a wait may take (60)
    CPIS_DESK_LIMIT     seconds that a story may take (600)
    CPIS_DESK_SIZE      the display (1366x768x24)

Needs Debian's xvfb openbox dbus at-spi2-core gir1.2-atspi-2.0 python3-gi xdotool x11-utils imagemagick.
"""

import ctypes
import os
import runpy
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT = float(os.environ.get("CPIS_DESK_LIMIT", "600"))
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


# The desk's outside: display, window manager, home, and the end of all of them.


def main(names):
    if not names:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    adopt_orphans()
    failed = []
    for name in names:
        story = story_path(name)
        started = time.monotonic()
        print(f"{story.stem}: begins", flush=True)
        passed = on_a_desk(story)
        print(f"{story.stem}: {'passed' if passed else 'FAILED'} ({time.monotonic() - started:.1f} s)", flush=True)
        if not passed:
            failed.append(story.stem)
    print(f"stories: {len(names) - len(failed)} passed, {len(failed)} failed", *failed, flush=True)
    sys.exit(1 if failed else 0)


def story_path(name):
    for path in (Path(name), HERE / name, HERE / f"{name}.py"):
        if path.is_file():
            return path.resolve()
    sys.exit(f"there is no story {name}")


def on_a_desk(story):
    """Runs one story; true if it passed."""
    home = Path(tempfile.mkdtemp(prefix="cpis-desk-"))
    try:
        return inside(story, environment(home))
    finally:
        end_all()
        shutil.rmtree(home, ignore_errors=True)


def environment(home):
    """Nothing of the person at this machine: no settings, no keyring, no bus, no display."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "DBUS_", "AT_SPI"))}
    for gone in ("WAYLAND_DISPLAY", "NO_AT_BRIDGE", "DISPLAY", "XAUTHORITY"):
        kept.pop(gone, None)
    places = {"HOME": home}
    for kind in ("CONFIG_HOME", "DATA_HOME", "CACHE_HOME", "STATE_HOME", "RUNTIME_DIR"):
        places[f"XDG_{kind}"] = home / kind.lower()
        places[f"XDG_{kind}"].mkdir(mode=0o700)
    return kept | {key: str(value) for key, value in places.items()} | {
        "CPIS_DESK_OUT": os.environ.get("CPIS_DESK_OUT") or tempfile.mkdtemp(prefix="cpis-desk-out-"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def inside(story, env):
    env["DISPLAY"] = display(env)
    subprocess.Popen(["openbox", "--sm-disable"], env=env, **QUIET)
    manager = lambda: b"window id" in subprocess.run(
        ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], env=env, capture_output=True).stdout
    until(manager, 60, "a window manager")
    # The bus itself is started with the desk's environment, so that what it starts finds the display.
    session = ["dbus-run-session", "--", "/usr/bin/python3", str(HERE / "desk.py"), "--inside", str(story)]
    # The buses chatter there; it is of interest only where the story itself could not tell what failed.
    chatter = Path(env["HOME"], "stderr.log")
    try:
        with open(chatter, "wb") as stderr:
            passed = not subprocess.run(session, env=env, stdin=subprocess.DEVNULL, stderr=stderr, timeout=LIMIT).returncode
        if not passed and not Path(env["CPIS_DESK_OUT"], story.stem, "failure.txt").is_file():
            print(chatter.read_text(errors="replace"), end="", flush=True)
        return passed
    except subprocess.TimeoutExpired:
        out = Path(env["CPIS_DESK_OUT"], story.stem)
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run(["import", "-window", "root", str(out / "screen.png")], env=env, timeout=60)
        print(f"{story.stem}: not done after {LIMIT:.0f} s; see {out}", flush=True)
        return False


def display(env):
    """Starts a display; the server itself picks a number that is free."""
    size = os.environ.get("CPIS_DESK_SIZE", "1366x768x24")
    ours, its = os.pipe()
    command = ["Xvfb", "-displayfd", str(its), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
    subprocess.Popen(command, env=env, pass_fds=[its], **QUIET)
    os.close(its)
    number = b""
    while not number.endswith(b"\n"):
        ready, _, _ = select.select([ours], [], [], 60)
        more = os.read(ours, 16) if ready else b""
        if not more:
            raise RuntimeError("Xvfb did not start")
        number += more
    os.close(ours)
    return f":{int(number)}"


def adopt_orphans():
    """What our children leave behind becomes ours, so that `end_all` finds it. (PR_SET_CHILD_SUBREAPER)"""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def descendants(of):
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, ahead = [], [of]
    while ahead:
        children = parents.get(ahead.pop(), [])
        found += children
        ahead += children
    return found


def end_all():
    """Ends every process started from here, and every process that those started."""
    for name, wait in (signal.SIGTERM, 5), (signal.SIGKILL, 5):
        end = time.monotonic() + wait
        asked = set()
        while (running := descendants(os.getpid())) and time.monotonic() < end:
            for process in set(running) - asked:
                try:
                    os.kill(process, name)
                except ProcessLookupError:
                    pass
            asked |= set(running)
            time.sleep(0.05)
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def until(condition, seconds, what):
    """Waits until `condition()` is true, and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)


# The desk's inside: in a session of its own.


def tell(story):
    """Runs the story in this session and leaves evidence if it fails."""
    sys.path.insert(0, str(HERE))
    import seat  # needs the bus and the display, so not before

    out = Path(os.environ["CPIS_DESK_OUT"], story.stem)
    shutil.rmtree(out, ignore_errors=True)
    desk = seat.Seat()
    try:
        runpy.run_path(str(story))["story"](desk)
        code = 0
    except BaseException as failure:
        code = 1
        traceback.print_exc(file=sys.stdout)
        out.mkdir(parents=True, exist_ok=True)
        (out / "failure.txt").write_text(f"{failure!r}\n\n{traceback.format_exc()}")
        evidence(desk, out)
        print(f"{story.stem}: screenshot, tree and log are in {out}", flush=True)
    finally:
        desk.close()
    sys.stdout.flush()
    os._exit(code)


def evidence(desk, out):
    """Each piece for itself: one that fails must not cost the others."""
    def tree():
        text = desk.tree()
        (out / "tree.txt").write_text(text + "\n")
        print("the accessibility tree:", text, sep="\n", flush=True)

    def logs():
        for log in desk.logs:
            shutil.copy(log, out / log.name)
            lines = log.read_text(errors="replace").splitlines()[-40:]
            print(f"the end of {log.name}:", *lines, sep="\n", flush=True)

    for piece in (lambda: desk.shot(out / "screen.png"), tree, logs):
        try:
            piece()
        except Exception as failure:
            print(f"no evidence: {failure!r}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        tell(Path(sys.argv[2]))
    else:
        main(sys.argv[1:])
