# SPDX-License-Identifier: MIT
"""Gives random commands while things die, and remembers what was acknowledged: that must be in effect."""
import calendar
import subprocess
import threading
import time

US = 1_000_000
RECENT_S = 25  # commands go to runs that ended this short ago at most
BACKFILL_FIRST = 1000  # days since the epoch: 1972
BACKFILL_DAYS = 20
DAY_S = 86400
BROKEN = "tasks: {a: {command: 'true', depends_on: nobody}}\n"


class Commander:
    """A thread of its own between __enter__ and __exit__."""

    def __init__(self, home, random, rate):
        self.home, self.random, self.rate = home, random, rate
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.n_acknowledged = self.n_unknown = self.n_triggers = self.n_backfills = 0
        self.triggered = {}  # run -> whether that was acknowledged
        self.touched = {}  # run -> (command, whether it was acknowledged): one each, so that its end is known
        self.cleared = {}  # run -> task -> its try before an acknowledged clear
        self.paused = {False}  # what DAG `paused` may be now
        self.canceled = set()  # days of `past` whose backfill was asked to end
        self.backfilled = set()  # days of `past` that must have a run
        self.edited = (home.dags / "edited.yaml").read_text()
        self.problems = []
        self.actions = [(self._trigger, 50), (self._clear, 15), (self._clear_running, 5), (self._mark, 8),
                        (self._cancel, 8), (self._pause, 5), (self._backfill, 5), (self._edit, 4)]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        self.thread.join(120)

    def _work(self):
        doing, weights = zip(*self.actions)
        while not self.stopping.wait(self.random.expovariate(self.rate)):
            try:
                self.random.choices(doing, weights)[0]()
            except Exception as failure:  # noqa: BLE001: a thread that ends in silence would test nothing
                self.problems.append(f"{type(failure).__name__} in a command: {failure}")
                if len(self.problems) > 10:
                    return

    # ---- Sending ----

    def _send(self, command, **args):
        """(answered well, result, code of a refusal); all None when there was no answer."""
        answer = self.home.ask({"command": command, "args": args}, timeout=30)
        if answer is None:
            self.n_unknown += 1
            return None, None, None
        if answer["ok"]:
            self.n_acknowledged += 1
            return True, answer["result"], None
        return False, None, answer["error"]["code"]

    def _call(self, *args):
        """The same by the CLI, which waits for a daemon, or does it itself. True: acknowledged; None: not known."""
        with open(self.home.log, "a") as log:
            done = subprocess.run([str(self.home.weir), *args], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  timeout=60, cwd=self.home.dir, env=self.home.environment(), check=False)
        if done.returncode == 2:
            self.problems.append(f"wrong usage: weir {' '.join(args)}")
        self.n_acknowledged += done.returncode == 0
        self.n_unknown += done.returncode != 0
        return True if done.returncode == 0 else None

    def _pick(self, where, *values):
        """A run that no command has gone to yet."""
        rows = self.home.rows(f"SELECT dag_id, run_id FROM dag_run WHERE {where} ORDER BY id DESC LIMIT 40", *values)
        rows = [row for row in rows if row not in self.touched]
        return self.random.choice(rows) if rows else None

    def _pick_ended(self):
        return self._pick("state IN ('success', 'failed') AND end_date_us > ? AND (dag_id = 'manual' OR dag_id LIKE "
                          "'tick%')", time.time_ns() // 1000 - RECENT_S * US)

    # ---- The commands ----

    def _trigger(self):
        self.n_triggers += 1
        key = (self.random.choice(["manual", "manual", "long"]), f"c{self.n_triggers}")
        if self.random.random() < 0.25:
            ok = self._call("dags", "trigger", key[0], "-r", key[1])
        else:
            ok, _, _ = self._send("dags.trigger", dag_id=key[0], run_id=key[1])
            if ok is None:  # asked again, as a careful caller would: now it must be there, or be made
                ok, _, code = self._send("dags.trigger", dag_id=key[0], run_id=key[1])
                ok = ok or (True if code == "conflict" else None)
        self.triggered[key] = ok is True

    def _clear(self):
        if (key := self._pick_ended()) is None:
            return
        self.touched[key] = ("clear", None)
        what = self.random.choice([("dags.clear", {}), ("dags.clear", {"only_failed": True}),
                                   ("tasks.clear", {"task_ids": ["again"], "downstream": True})])
        tries = dict(self.home.rows("SELECT t.task_id, t.try_number FROM task_instance t JOIN dag_run r ON r.id = "
                                    "t.dag_run_id WHERE r.dag_id = ? AND r.run_id = ?", *key))
        ok, result, _ = self._send(what[0], dag_id=key[0], run_id=key[1], **what[1])
        if ok:
            self.cleared[key] = {task["task_id"]: tries[task["task_id"]] for task in result["task_instances"]}

    def _clear_running(self):
        if (key := self._pick("state = 'running' AND dag_id IN ('manual', 'long')")) is None:
            return
        self.touched[key] = ("clear", None)
        self._send("dags.clear", dag_id=key[0], run_id=key[1])

    def _mark(self):
        if (key := self._pick_ended()) is None:
            return
        self.touched[key] = ("mark", None)
        if self.random.random() < 0.3:
            ok = self._call("tasks", "mark", key[0], key[1], "fails", "--state", "success")
        else:
            ok, _, _ = self._send("tasks.mark", dag_id=key[0], run_id=key[1], task_ids=["fails"], state="success")
        self.touched[key] = ("mark", ok)

    def _cancel(self):
        if (key := self._pick("state IN ('queued', 'running') AND dag_id = 'long'")) is None:
            return
        self.touched[key] = ("cancel", None)
        ok, _, _ = self._send("dags.cancel", dag_id=key[0], run_id=key[1])
        self.touched[key] = ("cancel", ok)

    def _pause(self):
        wanted = self.random.random() < 0.5
        ok, _, _ = self._send("dags.pause" if wanted else "dags.unpause", dag_id="paused")
        self.paused = {wanted} if ok else self.paused | {wanted} if ok is None else self.paused

    def _backfill(self):
        active = self.home.rows("SELECT id, from_date_us / 86400000000 FROM backfill WHERE completed_at_us IS NULL")
        if active:
            what = self.random.choice(["pause", "unpause", "cancel"])
            if what == "cancel":
                self.canceled.update(range(active[0][1], active[0][1] + BACKFILL_DAYS))
            self._send(f"backfills.{what}", backfill_id=active[0][0])
            return
        first = BACKFILL_FIRST + self.n_backfills * BACKFILL_DAYS
        if (first + BACKFILL_DAYS) * DAY_S > time.time():  # the past is used up; days to come get no runs
            return
        self.n_backfills += 1
        dates = [time.strftime("%Y-%m-%d", time.gmtime(day * DAY_S)) for day in (first, first + BACKFILL_DAYS - 1)]
        ok, _, _ = self._send("backfills.create", dag_id="past", from_date=dates[0], to_date=dates[1],
                              max_active_runs=self.random.choice([2, 20]))
        if ok:
            self.backfilled.update(range(first, first + BACKFILL_DAYS))

    def _edit(self):
        path, beside = self.home.dags / "edited.yaml", self.home.dir / "edited"
        what = self.random.choice(["new", "new", "broken", "gone"])
        if what == "gone":
            path.unlink(missing_ok=True)
            return
        beside.write_text(f"# {time.time()}\n{self.edited}" if what == "new" else BROKEN)
        beside.rename(path)

    # ---- The end ----

    def settle(self):
        """Takes back what keeps runs from ending. What is wrong, a line each."""
        wrong = self.problems
        (self.home.dags / "edited.yaml").write_text(self.edited)
        self.home.wait_for(lambda: self.home.ask({"command": "status"}), "the scheduler answers")
        is_paused = self.home.rows("SELECT is_paused FROM dag WHERE dag_id = 'paused'")[0][0] == 1
        if is_paused not in self.paused:
            wrong.append(f"DAG paused: is_paused is {is_paused}, though the opposite was acknowledged")
        self._send("dags.unpause", dag_id="paused")
        for (backfill,) in self.home.rows("SELECT id FROM backfill WHERE completed_at_us IS NULL AND is_paused"):
            self._send("backfills.unpause", backfill_id=backfill)
        return wrong

    def expectation(self, run, states):
        """What the tasks of a run may be at its end, and what the run."""
        command, ok = self.touched.get(run, (None, None))
        if command == "cancel":
            return {"long": ("success", "failed", "skipped")}, ("failed",) if ok else ("failed", "success")
        if command == "mark":
            return {**states, "fails": "success" if ok else ("success", "failed")}, ("success",)
        if run[0] == "past" and day_of(run[1]) in self.canceled:
            return {"long": ("success", "skipped")}, ("success", "failed")
        return states, ("success",)

    def check_clear(self, run, tries):
        """Each task that was cleared has been tried again since."""
        return [f"{task} was cleared after try {number}, and is still there"
                for task, number in self.cleared.get(run, {}).items() if number > 0 and tries.get(task, 0) <= number]

    def check_stored(self, ended):
        """Every acknowledged trigger and date has its run, and only one. `ended`: all runs that there were."""
        wrong = [f"{dag} {run}: the trigger was acknowledged, and there is no such run"
                 for (dag, run), ok in self.triggered.items() if ok and (dag, run) not in ended]
        days = {day_of(run) for dag, run in ended if dag == "past"}
        if missing := self.backfilled - days:
            wrong.append(f"an acknowledged backfill lacks {len(missing)} runs")
        for dag, run, n in self.home.rows("SELECT dag_id, run_id, count(*) FROM event_log WHERE event = "
                                          "'trigger_dag_run' GROUP BY dag_id, run_id HAVING count(*) > 1"):
            wrong.append(f"{dag} {run} was triggered {n} times")
        for (number,) in self.home.rows("SELECT id FROM backfill WHERE completed_at_us IS NULL"):
            wrong.append(f"backfill {number} is not complete, though all its runs have ended")
        return wrong


def day_of(run_id):
    """Days since the epoch of backfill__2011-01-26T00:00:00+00:00; None of another id."""
    kind, _, date = run_id.partition("__")
    return calendar.timegm(time.strptime(date[:10], "%Y-%m-%d")) // DAY_S if kind == "backfill" else None
