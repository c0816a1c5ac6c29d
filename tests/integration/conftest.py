# SPDX-License-Identifier: MIT
"""Fixtures of all integration tests: the real binary, a home of its own for each test, no runner left behind.

WEIR_BUILD_DIR says where the binary was built (default: build/dev beside the sources).
"""

import ctypes
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import textwrap
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = float(os.environ.get("WEIR_TEST_TIMEOUT", "60"))


def binary_path():
    return ROOT / os.environ.get("WEIR_BUILD_DIR", "build/dev") / "weir"


@pytest.fixture(scope="session")
def binary():
    path = binary_path()
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


def clean_environment(home, **extra):
    """Ours without what would change what weir does, with that home."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("WEIR_", "AIRFLOW_")) and key not in ("NO_COLOR", "COLUMNS", "LINES")
    }
    kept.update({"WEIR_HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm"}, **extra)
    return kept


def runner_pids(home):
    """Runners of that home: processes whose command line is `... __runner HOME/runners/...`."""
    prefix = str(home / "runners") + "/"
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"__runner" in words and any(os.fsdecode(word).startswith(prefix) for word in words):
            found.append(int(entry.name))
    return found


def descendants(pid):
    """All processes below that one, as of now."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


class Watch:
    """inotify on a folder: wakes when something in it was written, made or removed."""

    EVENTS = 0x2 | 0x80 | 0x100 | 0x200  # IN_MODIFY, IN_MOVED_TO, IN_CREATE, IN_DELETE

    def __init__(self, folder):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._libc.inotify_add_watch(self._fd, os.fsencode(folder), self.EVENTS)

    def wait(self, seconds):
        select.select([self._fd], [], [], seconds)
        try:
            os.read(self._fd, 65536)
        except BlockingIOError:
            pass

    def close(self):
        os.close(self._fd)


def wait_until(predicate, folder=None, timeout=TIMEOUT, what="the condition"):
    """Returns the first true value of predicate(): looked at whenever `folder` changes, and every 50 ms."""
    watch = Watch(folder) if folder is not None else None
    deadline = time.monotonic() + timeout
    try:
        while True:
            value = predicate()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come true within {timeout} s")
            if watch is not None:
                watch.wait(0.05)
            else:
                time.sleep(0.05)
    finally:
        if watch is not None:
            watch.close()


@pytest.fixture
def home(tmp_path):
    """A fresh WEIR_HOME with a dags folder. At the end its runners must be gone, or are about to go."""
    folder = tmp_path / "home"
    (folder / "dags").mkdir(parents=True)
    folder.chmod(0o700)
    yield folder
    leftovers = wait_for_runners(folder)
    for pid in leftovers:
        for victim in [*descendants(pid), pid]:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
    assert not leftovers, f"runners left behind: {leftovers}"


def wait_for_runners(folder, grace=5.0):
    """Runners that have not ended within the grace. One with nothing left to do needs a moment."""
    deadline = time.monotonic() + grace
    pids = runner_pids(folder)
    while pids and time.monotonic() < deadline:
        time.sleep(0.02)
        pids = runner_pids(folder)
    return pids


@pytest.fixture
def weir(binary, home, tmp_path):
    """weir("dags", "list", env={...}, input=..., cwd=...) -> CompletedProcess with text."""

    def call(*words, env=None, cwd=tmp_path, timeout=TIMEOUT, **options):
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        if options["stdin"] is None:
            del options["stdin"]
        return subprocess.run(
            [str(binary), *map(str, words)],
            env=clean_environment(home, **(env or {})),
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            **options,
        )

    return call


@pytest.fixture
def start_weir(binary, home, tmp_path):
    """Like `weir`, but returns the Popen at once; ended by force after the test if it still runs."""
    started = []

    def start(*words, env=None, cwd=tmp_path, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [str(binary), *map(str, words)],
            env=clean_environment(home, **(env or {})),
            cwd=cwd,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


class Service:
    """A running scheduler; its log is read by a thread, and waited for line by line."""

    def __init__(self, process):
        self.process, self.lines, self.changed = process, [], threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def wait_log(self, pattern, start=0, timeout=60):
        """The first match from line `start` on, with the number of the line after it."""
        regex, deadline = re.compile(pattern), time.monotonic() + timeout
        with self.changed:
            while True:
                for number in range(start, len(self.lines)):
                    match = self.lines[number] is not None and regex.search(self.lines[number])
                    if match:
                        return match, number + 1
                start = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or (self.lines and self.lines[-1] is None):
                    raise AssertionError(f"{pattern!r} is not in the log:\n" + "\n".join(map(str, self.lines)))
                self.changed.wait(left)

    def stop(self, number=signal.SIGTERM, timeout=60):
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout)
        self.reader.join(timeout)
        return code, time.monotonic() - began


@pytest.fixture
def scheduler(start_weir, home):
    started = []

    def start(*options, verb="scheduler", wait=r"listening on", env=None):
        service = Service(start_weir(verb, *options, env=env))
        started.append(service)
        if wait:
            service.wait_log(wait)
        return service

    yield start
    for service in started:
        if service.process.poll() is None:
            service.stop()


@pytest.fixture
def write_dag(home):
    """write_dag("etl", "tasks: ...") -> path of dags/etl.yaml; the text may be indented."""

    def write(name, text):
        path = home / "dags" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def wait_for(home):
    """wait_for(predicate): the first true value of predicate(), looked at whenever the home changes."""

    def wait(predicate, timeout=TIMEOUT, what="the condition"):
        return wait_until(predicate, folder=home, timeout=timeout, what=what)

    return wait


ETL = """
    dag_id: etl
    description: An example
    owner: data-eng
    tags: [a]
    schedule: "0 2 * * *"
    timezone: Europe/London
    params:
      user: {type: string, default: joe}
    tasks:
      load:
        command: [/bin/echo, "hello {{ params.user }} {{ ds }}"]
      clean:
        depends_on: load
        command: "echo cleaning; test ! -e fail || exit 3"
      report:
        depends_on: clean
        command: "echo reported"
"""


@pytest.fixture
def etl(write_dag):
    return write_dag("etl", ETL)


def objects(result):
    """stdout as the array of objects it must be, and nothing else."""
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return rows


def states(weir, dag, run):
    return {row["task_id"]: row["state"] for row in objects(weir("tasks", "states-for-dag-run", dag, run, "-o", "json"))}


def state_of_first_task(weir, dag, run="r1"):
    """The state of the run's first task; None if there is no such run yet."""
    result = weir("tasks", "states-for-dag-run", dag, run, "-o", "json")
    return json.loads(result.stdout)[0]["state"] if result.returncode == 0 else None


def verbs_of_help(weir):
    """All verbs as they are typed, without "weir"."""
    lines = weir("--help").stdout.splitlines()
    found = [re.match(r"  ([a-z]+(?: [a-z][a-z-]*)?)(?: |$)", line) for line in lines]
    return [match.group(1) for match in found if match]
