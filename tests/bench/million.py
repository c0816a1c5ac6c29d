# SPDX-License-Identifier: MIT
"""A store with 1,000,000 task instances beside an almost empty one: what grows with the history, and should not."""
import sqlite3
import subprocess
import time

from harness import Failure, Note, median, spread, wait_until

TASKS = 10           # a run: the more runs, the longer the lists
OTHER_DAGS = 50      # they have half of all runs, and the DAG `many` has the other half
DAY_US = 86_400_000_000
PAGE_GOAL_MS = 10


def million(bench):
    small, large = (filled_home(bench, n_runs) for n_runs in (100, 100_000 // bench.scale))
    size = sum(f.stat().st_size for f in large.path.glob("weir.db*"))
    n = large.query("SELECT count(*) FROM task_instance")[0][0]
    bench.row(f"the store of {n:,} task instances, each with an XCom", f"{size / 1e6:.0f} MB, {size / n:.0f} bytes each")
    throughput(bench, small, large)
    readers(bench, small, large)
    reading_verbs(bench, small, large)
    services(bench, small, large)
    cleaning(bench, large)
    for home in (small, large):
        home.remove()


# ---- Filling -----------------------------------------------------------------------------------------

# Rows as weir would have left them. Runs 1..n of `many` and the other DAGs, one a minute, ending some days ago.
FILL_RUNS = """
INSERT INTO dag_run (id, dag_id, run_id, run_type, state, dag_version_id, logical_date_us, data_interval_start_us,
    data_interval_end_us, run_after_us, queued_at_us, start_date_us, end_date_us, clear_number, conf, params, triggered_by)
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :n_runs),
    run AS (SELECT i, :last_us - (:n_runs - i) * 60000000 AS at_us,
        CASE WHEN i % 2 = 0 THEN 'many' ELSE 'other_' || (i / 2 % :n_others) END AS dag FROM number)
SELECT i, dag, 'scheduled__' || i, 'scheduled', CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'success' END, latest_version_id,
    at_us, at_us, at_us, at_us, at_us, at_us, at_us + 1000000, 0, '{}', '{}', 'timetable' FROM run JOIN dag ON dag_id = dag
"""
FILL_TASKS = """
INSERT INTO task_instance (id, dag_run_id, task_id, state, try_number, max_tries, exit_code, pid, scheduled_us, queued_us,
    start_date_us, end_date_us, pool, pool_slots, priority_weight, operator)
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < :n_tasks - 1)
SELECT (r.id - 1) * :n_tasks + i + 1, r.id, 't' || i, CASE WHEN r.state = 'failed' AND i = 0 THEN 'failed' ELSE 'success' END,
    1, 0, CASE WHEN r.state = 'failed' AND i = 0 THEN 1 ELSE 0 END, 4711 + i, r.run_after_us, r.run_after_us,
    r.run_after_us + 1000, r.run_after_us + 900000, 'default_pool', 1, 1, 'command' FROM dag_run r CROSS JOIN number
"""
FILL_XCOMS = """
INSERT INTO xcom (dag_run_id, task_id, key, value, timestamp_us)
SELECT dag_run_id, task_id, 'return_value', '"done"', end_date_us FROM task_instance
"""
FILL_HOOKS = """
INSERT INTO hook (dag_run_id, event, told_state, state, attempt, exit_code, created_at_us, start_date_us, end_date_us)
SELECT id, 'on_failure', 'failed', 'success', 1, 0, end_date_us, end_date_us, end_date_us FROM dag_run WHERE state = 'failed'
"""
FILL_EVENTS = """
INSERT INTO event_log (when_us, event, owner, dag_id, run_id, extra)
SELECT run_after_us, 'trigger_dag_run', 'bench', dag_id, run_id, '{}' FROM dag_run ORDER BY id
"""


def filled_home(bench, n_runs):
    home = bench.home(**{"core.parallelism": 64})
    tasks = "".join(f"  t{i}: {{command: [/bin/true]}}\n" for i in range(TASKS))
    for name in ["many", *(f"other_{i}" for i in range(OTHER_DAGS))]:
        home.write_dag(name, f"schedule: '0 3 1 1 *'\ndefault_args: {{do_xcom_push: false}}\ntasks:\n{tasks}")
    home.write_dag("small", "tasks: {a: {command: [/bin/true]}}\n")
    home.start()
    home.stop()  # it has made the schema, the DAGs and their versions
    db = sqlite3.connect(home.path / "weir.db", isolation_level=None)
    values = {"n_runs": n_runs, "n_tasks": TASKS, "n_others": OTHER_DAGS, "last_us": time.time_ns() // 1000 - 2 * DAY_US}
    db.execute("PRAGMA cache_size = -200000")
    db.execute("BEGIN")
    for sql in (FILL_RUNS, FILL_TASKS, FILL_XCOMS, FILL_HOOKS, FILL_EVENTS):
        db.execute(sql, values)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return home


# ---- Without a service -------------------------------------------------------------------------------


def throughput(bench, small, large):
    n = 1000 // min(bench.scale, 4)
    dag = bench.dag("throughput", n, chained=False)
    times = {small: [], large: []}
    for pair in range(bench.pairs + 1):
        for home in (small, large):
            seconds = bench.weir_run(dag, home.path)[0]
            if pair > 0:
                times[home].append(seconds)
    ratio = median([b / a for a, b in zip(times[small], times[large])])
    bench.row(f"one run of {n:,} tasks in it, against the same in an empty store",
              f"{ratio:.2f} of its time ({median(times[large]):.2f} s / {median(times[small]):.2f} s)", "~1")


def readers(bench, small, large):
    """The readers of the store alone."""
    samples = {home: read_pages(bench, home) for home in (small, large)}
    for page, times in samples[large].items():
        bench.row(f"page {page.replace('_', ' ')}, the query alone",
                  f"{spread(times)}; {median(times) / max(median(samples[small][page]), 0.001):.1f} of an empty store's p50",
                  f"p99 <= {PAGE_GOAL_MS} ms")


def read_pages(bench, home):
    run_id = home.query("SELECT run_id FROM dag_run WHERE dag_id = 'many' AND run_type = 'scheduled' ORDER BY id DESC")[0][0]
    argv = [str(bench.tools / "bench_pages"), str(home.path / "weir.db"), "many", run_id, str(200 // min(bench.scale, 4))]
    done = subprocess.run(argv, env=home.env(), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(done.stderr)
    samples = {}
    for line in done.stdout.splitlines():
        name, us = line.split()
        samples.setdefault(name, []).append(int(us) / 1000)
    return samples


def in_turn(homes, n, verb):
    """Milliseconds of verb(home, i), n times in each home, A B A B."""
    times = {home: [] for home in homes}
    for i in range(n):
        for home in homes:
            times[home].append(verb(home, i))
    return times


def compare(bench, what, times, goal):
    small, large = times.values()
    bench.row(what, f"{spread(large)}; {median(large) / median(small):.2f} of an empty store's p50", goal)


def runs_of_many(home):
    return [row[0] for row in home.query("SELECT run_id FROM dag_run WHERE dag_id = 'many' AND run_type = 'scheduled' "
                                         "ORDER BY id DESC LIMIT 50")]


def reading_verbs(bench, small, large):
    n = 100 // min(bench.scale, 4)
    runs = {home: runs_of_many(home) for home in (small, large)}
    verbs = {
        "dags list-runs many --limit 50": lambda home, i: home.time_weir("dags", "list-runs", "many", "--limit", "50"),
        "dags list-runs many --state failed --limit 50":
            lambda home, i: home.time_weir("dags", "list-runs", "many", "--state", "failed", "--limit", "50"),
        "tasks states-for-dag-run many RUN":
            lambda home, i: home.time_weir("tasks", "states-for-dag-run", "many", runs[home][i % len(runs[home])]),
        "dags list": lambda home, i: home.time_weir("dags", "list"),
    }
    for words, verb in verbs.items():
        goal = "-" if words == "dags list" else f"p99 <= {PAGE_GOAL_MS} ms"
        compare(bench, f"`weir {words}`, the whole command", in_turn((small, large), n, verb), goal)


# ---- With one ----------------------------------------------------------------------------------------


def services(bench, small, large):
    homes = (small, large)

    def start_and_stop(home, _):
        elapsed = home.start()
        home.stop()
        return elapsed

    compare(bench, "start of the scheduler, exec to ready", in_turn(homes, 10 // min(bench.scale, 5), start_and_stop), "~1")
    for home in homes:
        home.start()
    trigger = in_turn(homes, 50 // min(bench.scale, 5), lambda home, i: home.time_weir("dags", "trigger", "small"))
    compare(bench, "`weir dags trigger` until it is answered", trigger, "~1")
    runs = {home: runs_of_many(home) for home in homes}
    n_clears = min(20 // min(bench.scale, 5), len(runs[small]))
    whole = {home: [] for home in homes}

    def clear(home, i):
        start = time.monotonic()
        elapsed = home.time_weir("dags", "clear", "many", "-y", "--run-id", runs[home][i])
        wait_until(lambda: not home.query("SELECT 1 FROM dag_run WHERE state IN ('queued', 'running') LIMIT 1"),
                   "the cleared run ends", every=0.005)
        whole[home].append((time.monotonic() - start) * 1000)
        return elapsed

    compare(bench, f"`weir dags clear` of a run of {TASKS} tasks until it is answered", in_turn(homes, n_clears, clear), "~1")
    compare(bench, "  until it has run again", whole, "~1")
    for home in homes:
        home.stop()


def cleaning(bench, home):
    """The janitor at work: what it does to the latency of ticks."""
    home.write_dag("tick", f"schedule: {{every: 50ms}}\ntasks: {{a: {{command: {bench.note_command(home)}}}}}\n")
    home.start()
    time.sleep(5 if bench.scale == 1 else 2)
    n_before = home.query("SELECT count(*) FROM task_instance")[0][0]
    begun_us = time.time_ns() // 1000
    cut_us = home.query("SELECT end_date_us FROM dag_run WHERE run_type = 'scheduled' AND dag_id <> 'tick' "
                        "ORDER BY run_after_us LIMIT 1 OFFSET ?", 10_000 // bench.scale)[0][0]
    cut = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(cut_us // 1_000_000))
    home.weir("db", "clean", "-y", "--clean-before-timestamp", cut)
    ended_us = time.time_ns() // 1000
    n_deleted = n_before - home.query("SELECT count(*) FROM task_instance")[0][0]
    home.stop()
    due_us = dict(home.query("SELECT run_id, run_after_us FROM dag_run WHERE dag_id = 'tick'"))
    notes = [note for note in Note.read(home.ledger) if note.what == "start" and note.run in due_us][3:]
    quiet = [(note.time_us - due_us[note.run]) / 1000 for note in notes if note.time_us < begun_us]
    busy = [(note.time_us - due_us[note.run]) / 1000 for note in notes if begun_us <= note.time_us < ended_us]
    seconds = (ended_us - begun_us) / 1e6
    bench.row(f"`weir db clean` of some {n_deleted:,} task instances", f"{seconds:.1f} s, {n_deleted / seconds:,.0f} a second")
    bench.row("  tick to exec() meanwhile", spread(busy), "worst <= 100 ms")
    bench.row("  tick to exec() before", spread(quiet))
