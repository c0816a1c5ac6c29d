# SPDX-License-Identifier: MIT
"""A home of its own for each test: starting weir in it, talking to it, killing parts of it, and cleaning up."""
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

TIMEOUT_S = 60

# What a task does here: it says by itself that it begins and how it ends, outside of weir, each as one write.
#   task.sh SECONDS CODE...   the exit code of each try in turn; the last one is that of all later tries
#   task.sh first:SECONDS ... only the first try takes that long
# LEDGER in the environment of weir is another ledger than the home's own.
TASK = """\
#!/bin/sh
say() { echo "$1 $WEIR_DAG_ID $WEIR_RUN_ID $WEIR_TASK_ID $WEIR_TRY_NUMBER" >>"${LEDGER:-%(ledger)s}"; }
say begin
case $1 in
0) ;;
first:*) [ "$WEIR_TRY_NUMBER" -gt 1 ] || sleep "${1#first:}" ;;
*) sleep "$1" ;;
esac
try=1
while shift && [ $# -gt 1 ] && [ "$try" -lt "$WEIR_TRY_NUMBER" ]; do try=$((try + 1)); done
echo "key=$WEIR_TRY_NUMBER" >>"$WEIR_OUTPUT"
say "$1"
exit "$1"
"""


class Failure(Exception):
    """A promise of weir that does not hold."""


def is_alive(pid):
    """Whether there is such a process, and more than its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def is_locked(path):
    """Whether somebody holds a lock on that file."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


class Home:
    def __init__(self, weir, prefix="weir-crash-", keep=False):
        self.weir, self.keep = Path(weir).resolve(), keep
        self.dir = Path(tempfile.mkdtemp(prefix=prefix))
        self.path = self.dir / "home"
        self.dags = self.path / "dags"
        self.ledger = self.dir / "ledger"
        self.log = self.dir / "log"
        self.task = self.dir / "task.sh"
        self.dags.mkdir(parents=True)
        self.path.chmod(0o700)
        self.ledger.touch()
        self.log.touch()
        self.task.write_text(TASK % {"ledger": self.ledger})
        self.task.chmod(0o755)
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for _ in range(100):
            left = self.processes()
            self.kill(left)
            if not left:
                break
            time.sleep(0.01)
        for process in self.started:
            process.wait()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- weir ----

    def environment(self, **extra):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("WEIR_", "AIRFLOW_"))}
        return {**kept, "WEIR_HOME": str(self.path), "WEIR__CORE__KILLED_TASK_CLEANUP_TIME": "2s", **extra}

    def start(self, *args, **extra):
        """A weir in the background, its output in our log. The caller need not wait for it."""
        with open(self.log, "a") as log:
            log.write(f"\n$ weir {' '.join(args)} {extra or ''}\n")
            log.flush()
            process = subprocess.Popen([str(self.weir), *args], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       cwd=self.dir, env=self.environment(**extra))
        self.started = [old for old in self.started if old.poll() is None] + [process]
        return process

    def call(self, *args, timeout=TIMEOUT_S, **extra):
        """A weir in the foreground; its exit status."""
        process = self.start(*args, **extra)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"weir {' '.join(args)} hangs") from None

    def ask(self, document, timeout=TIMEOUT_S):
        """One command over weir.sock; its answer, or None when there was none. Paths are short: see mkdtemp."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(timeout)
            peer.connect(str(self.path / "weir.sock"))
            peer.sendall(json.dumps(document).encode() + b"\n")
            line = b""
            while not line.endswith(b"\n"):
                piece = peer.recv(1 << 16)
                if not piece:
                    return None
                line += piece
            return json.loads(line)
        return None

    def rows(self, sql, *values):
        """Read as everybody reads: beside the writer, and not for long."""
        with contextlib.closing(sqlite3.connect(f"file:{self.path}/weir.db?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql, values).fetchall()

    # ---- Processes ----

    def runners(self):
        return [pid for pid, argv in command_lines() if b"__runner" in argv and any(
            arg.startswith(bytes(self.path) + b"/") for arg in argv)]

    def wait_runners_end(self):
        """
        Until the last one is gone, with no scheduler beside it. One that is being killed has no command line any more,
        but still its lock; and whoever starts now is to find it dead.
        """
        self.wait_for(lambda: not self.runners() and not any(
            is_locked(path) for path in self.path.glob("runners/*/lock")), "the runner ends")

    def processes(self):
        """All that has to do with this home: weir, its runners, their tasks."""
        mark = b"WEIR_HOME=" + bytes(self.path) + b"\0"
        found = set(self.runners())
        for proc in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if proc.name.isdigit() and mark in (proc / "environ").read_bytes() and is_alive(proc.name):
                    found.add(int(proc.name))
        return sorted(found)

    @staticmethod
    def kill(pids, number=signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_for(self, predicate, what, timeout=TIMEOUT_S):
        """Looks again and again: what is waited for is nobody's child and has no event."""
        deadline = time.monotonic() + timeout
        while not (value := predicate()):
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {timeout} s")
            time.sleep(0.02)
        return value

    def tail(self, n=25):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-n:])


def command_lines():
    for proc in Path("/proc").iterdir():
        if proc.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(proc.name), (proc / "cmdline").read_bytes().split(b"\0")
