# SPDX-License-Identifier: MIT
"""Benchmarks of `weir scheduler`: ticks, latency, idling, starting, and coming back from kill -9."""
import datetime
import os
import signal
import sqlite3
import time
from pathlib import Path

from harness import Failure, Note, is_alive, median, percentile, spread, wait_until
from one_run import dag_file

GRACE_US = 1_500_000  # from writing the DAG files to their first tick, besides what the start takes


def instant(us):
    return datetime.datetime.fromtimestamp(us // 1_000_000, datetime.timezone.utc).strftime(
        f"%Y-%m-%dT%H:%M:%S.{us % 1_000_000:06d}Z")


def sleep_until(us):
    time.sleep(max(0, us - time.time_ns() // 1000) / 1e6)


# ---- 1,000 DAGs in one second ------------------------------------------------------------------------


def due(bench):
    unlimited = {"core.parallelism": 2000}
    due_with(bench, "no limits in the way", unlimited, "<= 100 ms")
    due_with(bench, "default limits (32 tasks at a time)", {}, "-")


def due_with(bench, limits, settings, goal):
    """Ticks at which n DAGs are due together. Seen from outside: when another process can read the commit."""
    n, rounds, period_us = 1000 // bench.scale, 5 if bench.scale == 1 else 2, 5_000_000
    home = bench.home(**settings)
    first_us = (time.time_ns() // 1_000_000_000 + 2) * 1_000_000 + GRACE_US
    for i in range(n):
        home.write_dag(f"due_{i}", f"schedule: {{every: {period_us // 1_000_000}s}}\n"
                                   f"start_date: \"{instant(first_us)}\"\ntasks: {{first: {{command: [/bin/true]}}}}\n")
    if settings:
        home.weir("pools", "set", "default_pool", "-1")
    home.start()
    all_queued, all_done = [], []
    while first_us < time.time_ns() // 1000:
        first_us += period_us
    for tick_us in range(first_us, first_us + rounds * period_us, period_us):
        sleep_until(tick_us - 100_000)
        before = home.query("SELECT count(*) FROM task_instance")[0][0]
        if before % n != 0:
            raise Failure(f"{before} tasks before a tick of {n}")
        all_queued.append((wait_for_queued(home, before + n) - tick_us) / 1000)
        home.wait_for_rows("SELECT count(*) FROM dag_run WHERE state = 'success'", before + n)
        last_us = home.query("SELECT max(end_date_us) FROM dag_run")[0][0]
        all_done.append((last_us - tick_us) / 1000)
    home.remove()
    bench.row(f"{n:,} DAGs due at one moment, {limits}: from the tick until all first tasks are queued",
              f"median {median(all_queued):.0f} ms, worst {max(all_queued):.0f} ms of {rounds} ticks", goal)
    bench.row("  until all their runs have ended", f"median {median(all_done):.0f} ms")


def wait_for_queued(home, wanted):
    """Microseconds of the clock at which so many task instances are seen to have been queued."""
    db = sqlite3.connect(f"file:{home.path}/weir.db?mode=ro", uri=True, timeout=10, isolation_level=None)
    sql = "SELECT count(*) FROM task_instance WHERE queued_us IS NOT NULL"
    deadline = time.monotonic() + 60
    try:
        while db.execute(sql).fetchone()[0] < wanted:
            if time.monotonic() > deadline:
                raise Failure(f"fewer than {wanted} tasks were queued")
            time.sleep(0.001)
        return time.time_ns() // 1000
    finally:
        db.close()


# ---- Latency -----------------------------------------------------------------------------------------


def latency(bench):
    """Ticks spread over each second, chains of three tasks; beside it the least that any scheduler must do."""
    seconds, n_dags = 24 // min(bench.scale, 4), 25
    home = bench.home()
    floor_before = floor(bench, 100)
    start_us = (time.time_ns() // 1_000_000_000) * 1_000_000
    for i in range(n_dags):
        home.write_dag(f"tick_{i}", f"schedule: {{every: 1s}}\nstart_date: \"{instant(start_us + i * 1_000_000 // n_dags)}\"\n"
                       f"default_args: {{do_xcom_push: false}}\ntasks:\n"
                       f"  a: {{command: {bench.note_command(home)}}}\n"
                       f"  b: {{depends_on: a, command: {bench.note_command(home)}}}\n"
                       f"  c: {{depends_on: b, command: {bench.note_command(home)}}}\n")
    home.start()
    time.sleep(0.5)
    resets = home.log_resets()
    time.sleep(seconds)
    resets = home.log_resets() - resets
    home.stop()
    ticks, hops = ticks_and_hops(home)
    home.remove()
    floor_ticks, floor_hops = (a + b for a, b in zip(floor_before, floor(bench, 100)))
    n_tasks = (len(ticks) + len(hops)) / seconds
    traffic = f"{n_tasks:.0f} tasks a second, {resets} checkpoints within"
    for name, ours, least, goal in (("tick to exec() of the first task", ticks, floor_ticks, "p99 <= 10 ms"),
                                    ("upstream's end to exec() of the downstream", hops, floor_hops, "p99 <= 10 ms")):
        bench.row(f"{name} ({traffic})", f"{spread(ours)} of {len(ours)}", goal)
        bench.row("  the floor: a commit and a spawn, nothing else", spread(least))
        bench.row("  ratio to the floor", f"p50 {median(ours) / median(least):.2f}, "
                  f"p99 {percentile(ours, 0.99) / percentile(least, 0.99):.2f}")


def ticks_and_hops(home):
    """Milliseconds from each tick to its first task, and from each task to the next, from the ledger."""
    due_us = dict(home.query("SELECT dag_id || ' ' || run_id, run_after_us FROM dag_run"))
    runs = {}
    for note in Note.read(home.ledger):
        runs.setdefault(f"{note.dag} {note.run}", {})[note.what, note.task] = note.time_us
    ticks = [(notes["start", "a"] - due_us[run]) / 1000 for run, notes in runs.items()]
    hops = [(notes["start", later] - notes["end", earlier]) / 1000 for notes in runs.values()
            for earlier, later in ("ab", "bc") if ("start", later) in notes]
    return ticks[3:], hops[6:]  # the first ones start the runner


def floor(bench, n):
    """The same two latencies of a loop that only commits and spawns: what the disk and the kernel ask for."""
    folder = bench.home_path()
    folder.mkdir()
    db = sqlite3.connect(folder / "floor.db", isolation_level=None)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (x TEXT)")
    argv = [str(bench.tools / "bench_note"), str(folder / "ledger")]
    begun_us = []
    for _ in range(n):
        begun_us.append(time.time_ns() // 1000)
        db.execute("INSERT INTO t VALUES (?)", ("x" * 200,))
        pid = os.posix_spawn(argv[0], argv, {**os.environ, "WEIR_TRY_NUMBER": "0"})
        os.waitpid(pid, 0)
    db.close()
    notes = Note.read(folder / "ledger")
    starts = [note.time_us for note in notes if note.what == "start"]
    ends = [note.time_us for note in notes if note.what == "end"]
    return ([(start - begun) / 1000 for start, begun in zip(starts, begun_us)],
            [(start - end) / 1000 for start, end in zip(starts[1:], ends)])


# ---- Idle --------------------------------------------------------------------------------------------


def idle(bench):
    """What a service with nothing due costs. It has run one task, so that there is a runner, too."""
    seconds = max(30 // bench.scale, 5)
    home = bench.home()
    for i in range(100):
        home.write_dag(f"idle_{i}", dag_file(i))
    home.write_dag("once", "tasks: {a: {command: [/bin/true]}}\n")
    home.start()
    home.weir("dags", "trigger", "once")
    home.wait_for_rows("SELECT count(*) FROM dag_run WHERE state = 'success'", 1)
    time.sleep(2)  # whatever it does when it has become idle
    pids = {"daemon": home.process.pid, "runner": home.runners()[0]}
    before = {name: usage(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    for name, pid in pids.items():
        cpu_ns, wakeups = (b - a for a, b in zip(before[name], usage(pid)))
        rss_kb, private_kb = memory(pid)
        is_daemon = name == "daemon"
        bench.row(f"idle with 100 DAGs, {seconds} s: {name}'s CPU time and wake-ups",
                  f"{cpu_ns / 1e6:.1f} ms ({cpu_ns / seconds / 1e7:.3f} %), {wakeups} wake-ups",
                  "0.0 %, none but timers due" if is_daemon else "-")
        bench.row(f"  {name}'s memory", f"{rss_kb / 1024:.1f} MB RSS, {private_kb / 1024:.1f} MB of it private",
                  "<= 20 MB, <= 5 MB private" if is_daemon else "-")
    home.remove()


def usage(pid):
    """CPU nanoseconds, and how often any thread of it was put on a CPU."""
    cpu_ns = times = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        fields = (thread / "schedstat").read_text().split()
        cpu_ns += int(fields[0])
        status = (thread / "status").read_text()
        times += sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)
    return cpu_ns, times


def memory(pid):
    """RSS and private memory in kB."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    number = lambda key: int(fields[key].split()[0])
    return number("Rss"), number("Private_Clean") + number("Private_Dirty")


# ---- Start -------------------------------------------------------------------------------------------


def ready(bench):
    """From exec to READY=1: with an empty store, and with the one that the last start has left."""
    for n, goal in ((1000 // bench.scale, "<= 300 ms"), (10_000 // bench.scale, "-")):
        first, again = [], []
        for _ in range(3):
            home = bench.home()
            for i in range(n):
                home.write_dag(f"dag_{i}", dag_file(i))
            first.append(home.start())
            rss_kb, private_kb = memory(home.process.pid)
            home.stop()
            for _ in range(3):
                again.append(home.start())
                home.stop()
            home.remove()
        bench.row(f"start with {n:,} DAG files, exec to ready, store empty",
                  f"median {median(first):.0f} ms, worst {max(first):.0f} ms; "
                  f"{rss_kb / 1024:.0f} MB RSS, {private_kb / 1024:.0f} MB of it private", goal)
        bench.row("  started again", f"median {median(again):.0f} ms, worst {max(again):.0f} ms", goal)


# ---- Recovery ----------------------------------------------------------------------------------------


def recovery(bench):
    for who, kills_runner, rounds in (("the daemon", False, 5), ("the daemon and of the runner", True, 3)):
        measured = [recover_once(bench, kills_runner) for _ in range(max(1, rounds // bench.scale))]
        again, ready_after, lost, doubled = zip(*measured)
        bench.row(f"kill -9 of {who} with {500 // bench.scale:,} tasks running: from exec to the next tick's task",
                  f"median {median(again):.0f} ms, worst {max(again):.0f} ms of {len(again)} "
                  f"(ready after {median(ready_after):.0f} ms)", "<= 1000 ms")
        bench.row("  results that are missing, attempts that ran twice", f"{sum(lost)} lost, {sum(doubled)} doubled",
                  "0 lost, 0 doubled")


def recover_once(bench, kills_runner):
    """
    kill -9 with n tasks running, each at a gate: a FIFO that is opened for writing. Unless the runner dies too, half of
    them end while nobody is there. The ledger knows what really ran. Gives milliseconds from exec to the next tick's
    task and to being ready, and how many were lost and doubled.
    """
    n = 500 // bench.scale
    home = bench.home(**{"core.parallelism": n + 100, "core.killed_task_cleanup_time": "5s"})
    gates, opened = [home.path / "gate0", home.path / "gate1"], []
    for gate in gates:
        os.mkfifo(gate)
    tasks = "".join(f"  t{i}: {{command: {bench.note_command(home, gates[i % 2])}}}\n" for i in range(n))
    home.write_dag("held", f"max_active_tasks: {n}\ndefault_args: {{retries: 1, retry_delay: 0s}}\ntasks:\n{tasks}")
    home.write_dag("tick", f"schedule: {{every: 200ms}}\ntasks: {{a: {{command: {bench.note_command(home)}}}}}\n")
    home.weir("pools", "set", "default_pool", "-1")
    home.start()
    home.weir("dags", "trigger", "held", "-r", "held")
    home.wait_for_rows("SELECT count(*) FROM task_instance WHERE task_id <> 'a' AND state = 'running'", n)
    runners = home.runners()
    home.kill()
    if kills_runner:
        for pid in runners:
            os.kill(pid, signal.SIGKILL)
    else:
        opened.append(os.open(gates[0], os.O_RDWR))
    wait_until(lambda: not kills_runner or not any(map(is_alive, runners)), "the runner dies")
    time.sleep(0.5)  # ticks are missed meanwhile
    ready_ms = home.start()
    wait_until(lambda: first_tick_after(home), "a tick after the restart")
    again_ms = (first_tick_after(home) - home.started_us) / 1000
    if kills_runner:
        home.wait_for_rows("SELECT count(*) FROM task_instance WHERE task_id <> 'a' AND state = 'running' "
                           "AND try_number = 2", n)
        opened.append(os.open(gates[0], os.O_RDWR))
    opened.append(os.open(gates[1], os.O_RDWR))
    home.wait_for_rows("SELECT count(*) FROM dag_run WHERE dag_id = 'held' AND state IN ('success', 'failed')", 1)
    for fd in opened:
        os.close(fd)
    lost, doubled = audit(home, n, n_tries=2 if kills_runner else 1)
    home.remove()
    return again_ms, ready_ms, lost, doubled


def first_tick_after(home):
    return min((note.time_us for note in Note.read(home.ledger) if note.dag == "tick" and note.what == "start" and
                note.time_us > home.started_us), default=None)


def audit(home, n, n_tries):
    """Each task must have succeeded at that try, and each try have begun exactly once."""
    good = home.query("SELECT count(*) FROM task_instance t JOIN dag_run r ON r.id = t.dag_run_id "
                      "WHERE r.dag_id = 'held' AND t.state = 'success' AND t.try_number = ?", n_tries)[0][0]
    starts = {}
    for note in Note.read(home.ledger):
        if note.what == "start":
            key = (note.dag, note.run, note.task, note.attempt)
            starts[key] = starts.get(key, 0) + 1
    expected = [("held", "held", f"t{i}", attempt) for i in range(n) for attempt in range(1, n_tries + 1)]
    return n - good + sum(key not in starts for key in expected), sum(count > 1 for count in starts.values())
