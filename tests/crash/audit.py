# SPDX-License-Identifier: MIT
"""Weir's rows held against the ledger of its tasks: what was promised, of every attempt and every run."""
import collections

Row = collections.namedtuple("Row", "state reason code queued_us end_us max_tries")
Run = collections.namedtuple("Run", "id dag_id run_id state reason clear_number logical_us end_us")

# How an attempt may end against its own will: weir was told to end it, or nobody knows how it ended.
ENDED_BY_HAND = ("canceled", "marked", "cleared")


def finished_runs(home, where="1", *values):
    return [Run(*row) for row in home.rows(
        "SELECT id, dag_id, run_id, state, end_reason, clear_number, logical_date_us, end_date_us FROM dag_run "
        f"WHERE state IN ('success', 'failed') AND {where}", *values)]


def tasks_of(home, ids):
    """Of each run: its tasks with the latest try of each, and all attempts as (task, try) -> Row."""
    latest, attempts = collections.defaultdict(dict), collections.defaultdict(dict)
    for batch in (ids[i:i + 500] for i in range(0, len(ids), 500)):
        wanted = ",".join(str(int(i)) for i in batch)
        for run, task, number, *row in home.rows(
                "SELECT dag_run_id, task_id, try_number, state, end_reason, exit_code, queued_us, end_date_us, max_tries "
                f"FROM task_instance WHERE dag_run_id IN ({wanted})"):
            latest[run][task] = number
            attempts[run][task, number] = Row(*row)
        for run, task, number, *row in home.rows(
                "SELECT t.dag_run_id, t.task_id, h.try_number, h.state, h.end_reason, h.exit_code, h.queued_us, "
                "h.end_date_us, h.max_tries FROM task_instance_history h JOIN task_instance t ON t.id = h.ti_id "
                f"WHERE t.dag_run_id IN ({wanted})"):
            attempts[run][task, number] = Row(*row)
    return latest, attempts


def check_attempts(latest, attempts, said, losses):
    """
    What is wrong with one run's attempts, a line each. `said` is Ledger.attempts() of the run; losses(row) says
    whether a lost attempt may be: whether something died that could lose it.
    """
    wrong = []
    said = {(task, number): attempt for task, number, attempt in said}
    for key in said.keys() - attempts.keys():
        wrong.append(f"{key} ran, and weir has no such attempt")
    for task, n_tries in latest.items():
        missing = [n for n in range(1, n_tries) if (task, n) not in attempts]
        if missing:
            wrong.append(f"{task} is at try {n_tries}, but has no try {missing}")
    for key, row in attempts.items():
        code = said[key].code if key in said else None
        if row.reason == "lost":
            if row.state == "success":
                wrong.append(f"{key} is lost and a success")
            elif not losses(row):
                wrong.append(f"{key} is lost, though nothing died that could lose it")
        elif row.reason in ENDED_BY_HAND or row.queued_us is None:
            continue  # how it ended says nothing of the task; or no process was ever wanted
        elif row.code is not None and row.code != code:
            wrong.append(f"{key} has exit code {row.code}, but its task said {code}")
        elif row.state == "success" and code != 0:
            wrong.append(f"{key} is a success, but its task said {code}")
        elif code == 0 and row.state != "success":
            wrong.append(f"{key} had succeeded, and is {row.state} ({row.reason})")
    return wrong


def check_states(latest, attempts, expected):
    """What is wrong with one run's tasks at its end; expected: task -> its state, or the states it may have."""
    states = {task: attempts[task, number].state for task, number in latest.items()}
    wrong = [f"there are the tasks {sorted(states)}, not {sorted(expected)}"] if states.keys() != expected.keys() else []
    for task, state in states.items():
        allowed = expected.get(task, state)
        if state not in ((allowed,) if isinstance(allowed, str) or allowed is None else allowed):
            wrong.append(f"{task} is {state}, not {allowed}")
    return wrong


def check_runs(home, ledger, expected, losses, may_retry):
    """
    All runs of a home against expected: (dag, run) -> (state or states, task -> (state or states, tries)). With
    may_retry an attempt may have been lost, so that there are more tries.
    """
    wrong, runs = list(ledger.violations), finished_runs(home)
    latest, attempts = tasks_of(home, [run.id for run in runs])
    found = {(run.dag_id, run.run_id) for run in runs}
    if len(found) != len(runs) or found != expected.keys():
        wrong.append(f"finished runs {sorted(found)}, not {sorted(expected)}")
    if unfinished := home.rows("SELECT dag_id, run_id, state FROM dag_run WHERE state IN ('queued', 'running')"):
        wrong.append(f"unfinished runs {unfinished}")
    for run in runs:
        state, tasks = expected.get((run.dag_id, run.run_id), (run.state, {}))
        problems = check_attempts(latest[run.id], attempts[run.id], ledger.attempts((run.dag_id, run.run_id)), losses)
        problems += check_states(latest[run.id], attempts[run.id], {task: end[0] for task, end in tasks.items()})
        if run.state != state and run.state not in state:
            problems.append(f"the run is {run.state}, not {state}")
        for task, (_, tries) in tasks.items():
            n = latest[run.id].get(task, 0)
            if tries and (n < tries or (n > tries and not may_retry)):
                problems.append(f"{task} is at try {n}, not {tries}")
        wrong += [f"{run.dag_id} {run.run_id}: {text}" for text in problems]
    return wrong


def check_home(home):
    """After all of it: the database is sound, nothing unfinished, nothing running, nothing left over."""
    wrong = []
    if home.call("db", "check") != 0:
        wrong.append(f"weir db check finds something:\n{home.tail()}")
    home.wait_runners_end()
    if left := home.processes():
        wrong.append(f"processes left: {left}")
    runners = home.path / "runners"
    left = [(path.name, sorted(file.name for file in path.glob("*"))) for path in runners.glob("*")
            if path.name != "boot"]
    if left:
        wrong.append(f"left in runners/: {left}")
    odd = [path.name for path in home.path.iterdir()
           if not path.name.startswith("weir.db.bak-v") and path.name not in ("dags", "logs", "runners", "weir.db", "weir.db-wal", "weir.db-shm", "weir.lock", "weir.yaml")]
    if odd:
        wrong.append(f"left in the home: {odd}")
    return wrong
