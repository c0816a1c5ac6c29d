# SPDX-License-Identifier: MIT
"""What all benchmarks share: homes that are gone afterwards, weir as a command and as a service, figures, the table."""
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOBS = 4
READY_TIMEOUT_S = 120
WAIT_TIMEOUT_S = 120


class Failure(Exception):
    """A benchmark that cannot be measured; the others go on."""


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def spread(samples_ms, digits=2):
    """`p50 0.61 ms, p90 ..., worst ...` of a list of milliseconds."""
    if not samples_ms:
        raise Failure("nothing was measured")
    parts = [f"p{int(share * 100)} {percentile(samples_ms, share):.{digits}f}" for share in (0.5, 0.9, 0.99)]
    return f"{', '.join(parts)}, worst {max(samples_ms):.{digits}f} ms"


def wait_until(predicate, what, timeout=WAIT_TIMEOUT_S, every=0.02):
    """The first true value of predicate()."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {timeout} s")
        time.sleep(every)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Home:
    """One WEIR_HOME, with a service in it or without."""

    def __init__(self, bench, path, **settings):
        self.bench = bench
        self.path = path
        self.settings = {f"WEIR__{key.replace('.', '__').upper()}": str(value) for key, value in settings.items()}
        self.process = None
        self.ledger = path / "ledger"
        (path / "dags").mkdir(parents=True)
        path.chmod(0o700)

    def env(self, **extra):
        ours = {key: value for key, value in os.environ.items() if not key.startswith(("WEIR_", "AIRFLOW_"))}
        return {**ours, "TZ": "UTC", "LC_ALL": "C.UTF-8", "WEIR_HOME": str(self.path),
                self.bench.MARK: str(self.bench.dir), **self.settings, **extra}

    def write_dag(self, name, text):
        (self.path / "dags" / f"{name}.yaml").write_text(text)

    def weir(self, *words):
        """A verb to its end, which must be a good one: what it printed."""
        done = subprocess.run([str(self.bench.weir), *map(str, words)], env=self.env(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=READY_TIMEOUT_S)
        if done.returncode != 0:
            raise Failure(f"weir {' '.join(map(str, words))}: {done.stderr[-2000:]}")
        return done.stdout

    def time_weir(self, *words):
        """The same; milliseconds from exec to exit."""
        start = time.monotonic()
        done = subprocess.run([str(self.bench.weir), *map(str, words)], env=self.env(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=READY_TIMEOUT_S)
        elapsed = (time.monotonic() - start) * 1000
        if done.returncode != 0:
            raise Failure(f"weir {' '.join(map(str, words))}: {done.stderr[-2000:]}")
        return elapsed

    def start(self):
        """`weir scheduler`; milliseconds from exec until it says that it is ready (READY=1, as to systemd)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            path = self.path / "ready"
            path.unlink(missing_ok=True)
            ready.bind(str(path))
            ready.settimeout(READY_TIMEOUT_S)
            with open(self.path / "service.log", "ab") as log:
                self.started_us = time.time_ns() // 1000
                start = time.monotonic()
                self.process = subprocess.Popen([str(self.bench.weir), "scheduler", "--no-wait"], stderr=log, stdout=log,
                                                stdin=subprocess.DEVNULL, env=self.env(NOTIFY_SOCKET=str(path)))
            try:
                while b"READY=1" not in ready.recv(4096):
                    pass
            except TimeoutError:
                self.kill()
                raise Failure(f"the scheduler does not get ready:\n{self.log()[-2000:]}") from None
            return (time.monotonic() - start) * 1000

    def log(self):
        return (self.path / "service.log").read_text(errors="replace")

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(READY_TIMEOUT_S)
            self.process = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def runners(self):
        """Process ids of the runners of this home."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            except OSError:
                continue
            if b"__runner" in words and any(os.fsdecode(word).startswith(f"{self.path}/runners/") for word in words):
                found.append(int(entry.name))
        return found

    def query(self, sql, *values):
        """Rows of the store, by a reader of its own."""
        db = sqlite3.connect(f"file:{self.path}/weir.db?mode=ro", uri=True, timeout=10)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def wait_for_rows(self, sql, wanted, timeout=WAIT_TIMEOUT_S):
        """Until the query, of one number, gives at least that one."""
        return wait_until(lambda: self.query(sql)[0][0] >= wanted, sql, timeout)

    def log_resets(self):
        """How often the write-ahead log was begun anew after a checkpoint: a number in its header."""
        with open(self.path / "weir.db-wal", "rb") as wal:
            header = wal.read(32)
        return int.from_bytes(header[12:16], "big") if len(header) == 32 else 0

    def remove(self):
        self.stop()
        for pid in self.runners():  # one that has results which nobody took in stays for the next service
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.runners(), "the runner ends")
        shutil.rmtree(self.path)


class Note:
    """A line of a ledger, see note.c."""

    PATTERN = re.compile(r"(start|end) (\d+) (\S+) (\S+) (\S+) (\d+)\n")

    def __init__(self, line):
        match = self.PATTERN.fullmatch(line)
        if match is None:
            raise Failure(f"the ledger has a line that is none: {line!r}")
        self.what, self.time_us = match[1], int(match[2])
        self.dag, self.run, self.task, self.attempt = match[3], match[4], match[5], int(match[6])

    @staticmethod
    def read(path):
        return [Note(line) for line in open(path)] if path.exists() else []


class Bench:
    MARK = "BENCH_OF_WEIR"  # in the environment of every process of ours, so that none is left behind

    def __init__(self, build_dir, pairs, scale):
        self.weir = build_dir / "weir"
        self.tools = build_dir / "tests/bench"
        self.pairs = pairs
        self.scale = scale
        self.dir = Path(tempfile.mkdtemp(prefix="weir-bench-"))
        self.rows = []
        self.n_homes = 0

    # ---- figures --------------------------------------------------------------------------------------

    def row(self, what, figure, goal="-"):
        self.rows.append((what, goal, figure))
        print(f"  {what}: {figure}", file=sys.stderr, flush=True)

    def print_table(self):
        head = ("what", "goal", "measured")
        widths = [max(len(row[i]) for row in [*self.rows, head]) for i in range(3)]
        print(f"{os.cpu_count()} cores, {os.uname().sysname} {os.uname().release}, {self.weir}\n")
        for row in (head, tuple("-" * width for width in widths), *self.rows):
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")

    # ---- weir -----------------------------------------------------------------------------------------

    def home_path(self):
        self.n_homes += 1
        return self.dir / f"home{self.n_homes}"

    def home(self, **settings):
        return Home(self, self.home_path(), **settings)

    def note_command(self, home, *more):
        """A YAML list: the task that notes its start and end."""
        return f"[{', '.join(map(str, (self.tools / 'bench_note', home.ledger, *more)))}]"

    def timed(self, argv, **env):
        """Wall seconds and peak RSS in MB of one command, which must succeed."""
        with open(self.dir / "last.log", "w+") as log:
            start = time.monotonic()
            child = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.dir,
                                     env={**os.environ, "WEIR__CORE__PARALLELISM": str(JOBS),
                                          self.MARK: str(self.dir), **env})
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.monotonic() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                log.seek(0)
                raise Failure(f"{' '.join(argv[:4])} ... failed ({child.returncode}):\n{log.read()[-4000:]}")
        return seconds, usage.ru_maxrss / 1024

    def weir_run(self, dag, home=None):
        home = home or self.home_path()
        result = self.timed([str(self.weir), "run", str(dag)], WEIR_HOME=str(home))
        return (*result, home)

    def dag(self, name, n, chained):
        path = self.dir / f"{name}.yaml"
        with open(path, "w") as out:
            out.write("tasks:\n")
            for i in range(n):
                upstream = f"    depends_on: t{i - 1}\n" if chained and i > 0 else ""
                out.write(f"  t{i}:\n    command: [/bin/true]\n{upstream}")
        return path

    # ---- the end --------------------------------------------------------------------------------------

    def our_processes(self):
        mark = f"{self.MARK}={self.dir}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and int(entry.name) != os.getpid() and \
                        mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def clean_up(self):
        """Ends every process that a benchmark has left, also one that was broken off, and deletes all homes."""
        for _ in range(100):
            pids = self.our_processes()
            if not pids:
                break
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        shutil.rmtree(self.dir, ignore_errors=True)


def median(samples):
    if not samples:
        raise Failure("nothing was measured")
    return statistics.median(samples)
