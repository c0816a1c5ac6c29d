# SPDX-License-Identifier: MIT
"""What a `weir scheduler` does while it is killed at one of its points, and what must be true of it at the end."""
import contextlib
import datetime
import sqlite3
from pathlib import Path

from home import Failure, is_alive
from service import OTHER_BOOT

ROOT = Path(__file__).resolve().parents[2]

DEFAULTS = "default_args: {retries: 6, retry_delay: 0s}\n"
# Each run: success, a retry, a skip, a failure after its retries, an XCom, a join.
QUICK = DEFAULTS + """\
tasks:
  first: {command: [%(task)s, "0", "0"]}
  again: {command: [%(task)s, "0", "3", "0"], depends_on: first}
  skips: {command: [%(task)s, "0", "99"], depends_on: first}
  fails: {command: [%(task)s, "0", "3"], depends_on: first, retries: 1}
  pulls:
    depends_on: again
    command: [sh, -c, 'test "$1" -ge 2 || { %(task)s 0 9; exit 9; }; exec %(task)s 0 0', sh, "{{ ti.xcom_pull(task_ids='again', key='key') }}"]
  last: {command: [%(task)s, "0", "0"], depends_on: [pulls, skips, fails], trigger_rule: all_done}
"""
QUICK_ENDS = {"first": ("success", 1), "again": ("success", 2), "skips": ("skipped", 1), "fails": ("failed", 2),
              "pulls": ("success", 1), "last": ("success", 1)}


def one_task(seconds):
    return f"{DEFAULTS}tasks:\n  only: {{command: [%(task)s, \"{seconds}\", \"0\"]}}\n"


ONE_ENDS = {"only": ("success", 1)}
HOURLY = "schedule: {every: 1h}\ncatchup: true\nstart_date: 2026-01-01T00:00:00Z\nend_date: 2026-01-01T%02d:00:00Z\n"


def hours(n):
    return [f"scheduled__2026-01-01T{hour:02}:00:00+00:00" for hour in range(n + 1)]


class Scenario:
    """One way to be killed. `runs` is filled by play(): (dag, run) -> (state, task -> (state, tries; 0: any))."""

    dags = {}
    options = ()
    environment = {}
    loses = False  # whether attempts may be lost, though only a daemon dies at the point

    def __init__(self, home):
        self.home, self.runs = home, {}
        for name, text in self.dags.items():
            self.write(name, text)

    def write(self, name, text):
        beside = self.home.dir / "beside"
        beside.write_text(text % {"task": self.home.task})
        beside.rename(self.home.dags / f"{name}.yaml")

    def prepare(self, service):
        """What happens before, with nobody dying."""

    def play(self, service):
        raise NotImplementedError

    def check(self):
        """What is wrong besides what is checked of all scenarios."""
        return []

    # ---- Looking ----

    def value(self, sql, *values):
        return self.home.rows(sql, *values)[0][0]

    def audited(self, event, dag, run=None, n=1):
        """Whether that command is stored, n times: its row is in the same commit as what it does."""
        found = self.value("SELECT count(*) FROM event_log WHERE event = ? AND dag_id = ? AND run_id IS ?", event, dag,
                           run)
        if found > n:
            raise Failure(f"{event} of {dag} {run} is stored {found} times")
        return found == n

    def state(self, dag, run):
        return self.value("SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?", dag, run)

    def has_ended(self, *runs):
        return all(self.state(dag, run) in ("success", "failed") for dag, run in runs)

    def is_working(self, dag, run):
        """A task of it runs; or it has ended, as a run may whose first try was lost."""
        return self.has_ended((dag, run)) or self.value(
            "SELECT count(*) FROM task_instance t JOIN dag_run r ON r.id = t.dag_run_id WHERE r.dag_id = ? AND "
            "r.run_id = ? AND t.state = 'running'", dag, run) > 0

    # ---- Doing ----

    def expect(self, dag, runs, state="success", tasks=QUICK_ENDS):
        for run in runs:
            self.runs[dag, run] = (state, tasks)

    def wait_expected(self, service):
        service.wait(lambda: self.has_ended(*self.runs), "all runs end")

    def trigger(self, service, dag, run):
        service.ask("dags.trigger", lambda: self.audited("trigger_dag_run", dag, run), dag_id=dag, run_id=run)


class Catchup(Scenario):
    """Ticks that were missed: two DAGs, one with two runs at a time, and one that runs once."""
    dags = {"ticks": HOURLY % 4 + "max_active_runs: 2\n" + QUICK,
            "once": "schedule: '@once'\nstart_date: 2026-01-01\ncatchup: true\n" + one_task(0)}

    def play(self, service):
        service.start()
        self.expect("ticks", hours(4))
        self.expect("once", ["scheduled__2026-01-01T00:00:00+00:00"], tasks=ONE_ENDS)
        self.wait_expected(service)


class Many(Scenario):
    """A hundred runs in the first turn: commits, syncs and messages with many attempts in each."""
    dags = {f"many{i}": HOURLY % 19 + "max_active_runs: 20\n" + one_task(0) for i in range(5)}

    def play(self, service):
        service.start()
        for dag in self.dags:
            self.expect(dag, hours(19), tasks=ONE_ENDS)
        self.wait_expected(service)


class Commands(Scenario):
    dags = {"hand": QUICK, "long": one_task(60), "soon": one_task("first:60")}

    def play(self, service):
        service.start()
        self.trigger(service, "hand", "r1")
        service.ask("dags.pause", lambda: self.audited("paused", "hand"), dag_id="hand")
        self.trigger(service, "hand", "r2")
        self.trigger(service, "long", "ends")
        self.trigger(service, "long", "marked")
        self.trigger(service, "soon", "cleared")
        service.ask("dags.unpause", lambda: self.audited("unpaused", "hand"), dag_id="hand")
        service.ask("pools.set", lambda: self.value("SELECT slots FROM pool WHERE name = 'p'") == 3, name="p", slots=3)
        service.wait(lambda: self.has_ended(("hand", "r1"), ("hand", "r2")), "r1 and r2 end")
        self.clear_and_mark(service)
        self.end_long_ones(service)
        self.wait_expected(service)

    def clear_and_mark(self, service):
        service.ask("dags.clear", lambda: self.audited("clear_dag_run", "hand", "r1"), dag_id="hand", run_id="r1",
                    only_failed=True)
        service.ask("tasks.clear", lambda: self.audited("post_clear_task_instances", "hand", "r2"), dag_id="hand",
                    run_id="r2", task_ids=["again"], downstream=True)
        service.wait(lambda: self.has_ended(("hand", "r1"), ("hand", "r2")), "r1 and r2 end again")
        service.ask("tasks.mark", lambda: self.value("SELECT count(*) FROM event_log WHERE event = 'patch_task_instance'")
                    == 1, dag_id="hand", run_id="r1", task_ids=["fails"], state="success")
        self.expect("hand", ["r1"], tasks={**QUICK_ENDS, "fails": ("success", 4)})
        self.expect("hand", ["r2"], tasks={**QUICK_ENDS, "again": ("success", 3), "pulls": ("success", 2),
                                           "last": ("success", 2)})

    def end_long_ones(self, service):
        for run in ("ends", "marked"):
            service.wait(lambda: self.is_working("long", run), f"{run} runs")
        service.wait(lambda: self.is_working("soon", "cleared"), "the task to be cleared runs")
        service.ask("dags.cancel", lambda: self.audited("cancel_dag_run", "long", "ends"), dag_id="long", run_id="ends")
        service.ask("dags.mark", lambda: self.audited("patch_dag_run", "long", "marked"), dag_id="long",
                    run_id="marked", state="success")
        service.ask("dags.clear", lambda: self.audited("clear_dag_run", "soon", "cleared"), dag_id="soon",
                    run_id="cleared")
        self.expect("long", ["ends"], "failed", {"only": ("failed", 1)})
        self.expect("long", ["marked"], "success", {"only": ("success", 1)})
        self.expect("soon", ["cleared"], tasks={"only": ("success", 2)})

    def check(self):
        wrong = [] if self.value("SELECT is_paused FROM dag WHERE dag_id = 'hand'") == 0 else ["hand is still paused"]
        if self.value("SELECT slots FROM pool WHERE name = 'p'") != 3:
            wrong.append("the pool is not as it was set")
        return wrong


class Backfills(Scenario):
    dags = {"past": "schedule: '@daily'\n" + one_task(0), "slow": "schedule: '@daily'\n" + one_task(0.2)}

    def days(self, first, last):
        return [f"backfill__2026-01-{day:02}T00:00:00+00:00" for day in range(first, last + 1)]

    def create(self, service, dag, first, last, n, **args):
        service.ask("backfills.create", lambda: self.audited("create_backfill", dag, n=n), dag_id=dag,
                    from_date=f"2026-01-{first:02}", to_date=f"2026-01-{last:02}", **args)
        return self.value("SELECT max(id) FROM backfill WHERE dag_id = ?", dag)

    def is_complete(self, number):
        return self.value("SELECT completed_at_us IS NOT NULL FROM backfill WHERE id = ?", number)

    def set_paused(self, service, number, wanted):
        """A pause may come too late, for the backfill may have ended while the daemon was down."""
        service.ask("backfills.pause" if wanted else "backfills.unpause",
                    lambda: self.is_complete(number) or self.value(
                        "SELECT is_paused FROM backfill WHERE id = ?", number) == wanted, backfill_id=number)

    def play(self, service):
        service.start()
        number = self.create(service, "past", 1, 6, 1, max_active_runs=2)
        self.set_paused(service, number, 1)
        self.set_paused(service, number, 0)
        service.wait(lambda: self.is_complete(number), "the backfill is complete")
        number = self.create(service, "past", 5, 8, 2, reprocess_behavior="completed", run_backwards=True)
        slow = self.create(service, "slow", 1, 4, 1, max_active_runs=1)
        service.wait(lambda: self.is_working("slow", self.days(1, 1)[0]), "the first run of the slow one runs")
        service.ask("backfills.cancel", lambda: self.is_complete(slow), backfill_id=slow)
        service.wait(lambda: self.is_complete(number), "the second backfill is complete")
        self.expect("past", self.days(1, 4) + self.days(7, 8), tasks=ONE_ENDS)
        self.expect("past", self.days(5, 6), tasks={"only": ("success", 2)})
        self.expect("slow", self.days(1, 4), ("success", "failed"), {"only": (("success", "skipped"), 0)})
        self.wait_expected(service)


class Folder(Scenario):
    """Files come, change, break and go while weir dies: its rows agree with the folder, and with each run."""
    dags = {"edited": one_task(0), "goes": one_task(0), "breaks": one_task(0)}

    def dag(self, name, column):
        return self.value(f"SELECT {column} FROM dag WHERE dag_id = ?", name)

    def play(self, service):
        service.start()
        service.wait(lambda: self.value("SELECT count(*) FROM dag") == 3, "three DAGs are known")
        self.trigger(service, "edited", "old")
        self.write("edited", QUICK)
        self.write("comes", one_task(0))
        self.write("breaks", "tasks: {only: {command: 'true', depends_on: nobody}}\n")
        (self.home.dags / "goes.yaml").unlink()
        service.wait(lambda: self.dag("comes", "is_stale") == 0 and self.dag("goes", "is_stale") == 1 and
                     self.dag("breaks", "has_import_errors") == 1 and
                     self.value("SELECT count(*) FROM dag_version WHERE dag_id = 'edited'") == 2, "the folder is seen")
        self.trigger(service, "edited", "new")
        self.trigger(service, "comes", "r")
        self.write("breaks", one_task(0))
        self.write("goes", one_task(0))
        service.wait(lambda: self.dag("goes", "is_stale") == 0 and self.dag("breaks", "has_import_errors") == 0,
                     "the folder is seen again")
        self.trigger(service, "goes", "r")
        self.expect("edited", ["old"], tasks=ONE_ENDS)
        self.expect("edited", ["new"])
        self.expect("comes", ["r"], tasks=ONE_ENDS)
        self.expect("goes", ["r"], tasks=ONE_ENDS)
        self.wait_expected(service)

    def check(self):
        versions = dict(self.home.rows("SELECT dag_id, count(*) FROM dag_version GROUP BY dag_id"))
        wanted = {"edited": 2, "goes": 1, "breaks": 1, "comes": 1}
        return [] if versions == wanted else [f"versions {versions}, not {wanted}"]


class Clean(Scenario):
    """Old runs are deleted, logs first; a DAG goes with all that is stored of it."""
    dags = {"ticks": HOURLY % 3 + one_task(0), "gone": HOURLY % 2 + one_task(0), "long": one_task("first:0.5")}

    def prepare(self, service):
        service.start()
        runs = [("ticks", run) for run in hours(3)] + [("gone", run) for run in hours(2)]
        service.wait(lambda: self.has_ended(*runs), "the old runs end")
        service.stop()
        (self.home.dags / "gone.yaml").unlink()

    def play(self, service):
        service.start()
        self.trigger(service, "long", "r")
        self.delete_old(service)
        service.wait(self.delete_gone, "the DAG is deleted")
        self.expect("ticks", hours(3)[-1:], tasks=ONE_ENDS)  # the schedule goes on from it
        self.expect("long", ["r"], tasks=ONE_ENDS)
        self.wait_expected(service)

    def delete_gone(self):
        """A slice of it; whether all is gone."""
        self.home.ask({"command": "dags.delete", "args": {"dag_id": "gone"}})
        return self.value("SELECT count(*) FROM dag WHERE dag_id = 'gone'") == 0

    def delete_old(self, service):
        before, after = datetime.datetime.now(datetime.timezone.utc).isoformat(), 0
        while after is not None:
            service.tend()
            answer = self.home.ask({"command": "db.clean", "args": {
                "before": before, "dag_ids": ["ticks"], "batch_size": 2, **({"after": after} if after else {})}})
            if answer is not None and not answer["ok"]:
                raise Failure(f"db.clean: {answer['error']['message']}")
            after = 0 if answer is None else answer["result"]["after"]  # it may be begun anew at any time

    def check(self):
        logs = self.home.path / "logs"
        left = sorted(path.name for path in logs.glob("dag_id=ticks/*")) + [p.name for p in logs.glob("dag_id=gone/*")]
        wanted = [f"run_id={hours(3)[-1]}"]
        return [] if left == wanted else [f"logs left: {left}"]


class Retention(Scenario):
    """The janitor deletes by itself what is old; of one DAG only logs."""
    dags = {"ticks": HOURLY % 5 + one_task(0), "kept": "retention: 0s\nlog_retention: 1s\n" + HOURLY % 2 + one_task(0)}
    environment = {"WEIR__SCHEDULER__RETENTION": "1s"}

    def prepare(self, service):
        environment, service.environment = service.environment, {}
        service.start()
        runs = [("ticks", run) for run in hours(5)] + [("kept", run) for run in hours(2)]
        service.wait(lambda: self.has_ended(*runs), "the old runs end")
        service.stop()
        service.environment = environment

    def play(self, service):
        service.start()
        service.wait(lambda: self.value("SELECT count(*) FROM dag_run WHERE dag_id = 'ticks'") == 1 and not self.logs("kept"),
                     "old runs are deleted, and logs")
        self.expect("ticks", hours(5)[-1:], tasks=ONE_ENDS)
        self.expect("kept", hours(2), tasks=ONE_ENDS)
        self.wait_expected(service)

    def logs(self, dag):
        return list((self.home.path / "logs" / f"dag_id={dag}").iterdir())

    def check(self):
        left = len(self.logs("ticks"))
        return [] if left == 1 else [f"logs of {left} runs are left"]


class Standby(Scenario):
    """The first dies in the middle of its work; the second, which stood by, takes over and dies as well."""
    dags = {"hand": QUICK, "soon": one_task("first:0.3")}

    def play(self, service):
        service.is_armed, is_armed = False, service.is_armed
        first = service.start()
        self.trigger(service, "soon", "r1")
        service.is_armed = is_armed
        service.start()
        service.wait(lambda: self.is_working("soon", "r1"), "r1 runs")
        first.kill()
        self.trigger(service, "hand", "r2")
        self.expect("soon", ["r1"], tasks=ONE_ENDS)
        self.expect("hand", ["r2"])
        self.wait_expected(service)


class Stop(Scenario):
    """SIGTERM in the middle of a run: what runs goes on, what it has done is taken in at the next start."""
    dags = {"hand": QUICK, "soon": one_task("first:0.4")}

    def play(self, service):
        service.start()
        self.trigger(service, "soon", "r1")
        self.trigger(service, "hand", "r2")
        service.wait(lambda: self.is_working("soon", "r1"), "r1 runs")
        service.stop()
        service.start()
        self.expect("soon", ["r1"], tasks=ONE_ENDS)
        self.expect("hand", ["r2"])
        self.wait_expected(service)


class KillTasks(Scenario):
    """The same with --kill-tasks: they are ended first, and tried again at the next start."""
    dags = {"soon": one_task("first:30")}
    options = ("--kill-tasks",)

    def play(self, service):
        service.start()
        self.trigger(service, "soon", "r1")
        self.trigger(service, "soon", "r2")
        service.wait(lambda: self.is_working("soon", "r1") and self.is_working("soon", "r2"), "both run")
        service.stop()
        service.start()
        self.expect("soon", ["r1", "r2"], tasks={"only": ("success", 0)})  # one that died is ended again
        self.wait_expected(service)


class Recover(Scenario):
    """The start after a death in mid-run; here the runner lives."""
    dags = {"hand": QUICK, "soon": one_task("first:0.5"), "ticks": HOURLY % 2 + QUICK}

    def prepare(self, service):
        service.start()
        self.trigger(service, "soon", "r1")
        self.trigger(service, "hand", "r2")
        service.wait(lambda: self.is_working("soon", "r1"), "r1 runs")
        self.die(service)

    def die(self, service):
        service.drop()

    def play(self, service):
        service.start()
        self.expect("soon", ["r1"], tasks=ONE_ENDS)
        self.expect("hand", ["r2"])
        self.expect("ticks", hours(2))
        self.wait_expected(service)


class RecoverBoth(Recover):
    """The start after the death of daemon and runner, while tasks live."""
    loses = True

    def die(self, service):
        self.home.kill(self.home.runners())
        service.drop()


class Reboot(Recover):
    """The first start of the next boot."""
    loses = True

    def die(self, service):
        service.reboot()
        service.drop()


class Strangers(Scenario):
    """A process that has the number, and more, of a task of the former boot is somebody else's: it is let alone."""
    dags = {"soon": one_task("first:60")}
    loses = True

    def prepare(self, service):
        service.start()
        self.trigger(service, "soon", "r1")
        service.wait(lambda: self.is_working("soon", "r1"), "r1 runs")
        self.stranger = self.value("SELECT pid FROM task_instance")
        service.drop()  # first: a daemon ends what a runner leaves
        self.home.kill(self.home.runners())
        service.environment["WEIR_CRASH_BOOT_ID"] = OTHER_BOOT

    def play(self, service):
        service.start()
        self.expect("soon", ["r1"], tasks={"only": ("success", 2)})
        self.wait_expected(service)
        if not is_alive(self.stranger) and not (service.has_died and service.victim == "machine"):
            raise Failure(f"process {self.stranger} was killed")
        ours = {process.pid for process in service.processes}.union(self.home.runners())
        self.home.kill(pid for pid in self.home.processes() if pid not in ours)  # a shell before what it waits for


class Upgrade(Scenario):
    """The first start of a new version: the database is copied, then brought up to date."""
    dags = {"hand": one_task(0)}

    def prepare(self, service):
        with contextlib.closing(sqlite3.connect(self.home.path / "weir.db")) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript((ROOT / "migrations" / "0001_initial.sql").read_text())

    def play(self, service):
        service.start()
        self.trigger(service, "hand", "r1")
        self.expect("hand", ["r1"], tasks=ONE_ENDS)
        self.wait_expected(service)

    def check(self):
        copies = sorted(path.name for path in self.home.path.glob("weir.db.bak-*"))
        return [] if copies and all(".partial" not in name for name in copies) else [f"copies: {copies}"]


SCENARIOS = {"catchup": Catchup, "many": Many, "commands": Commands, "backfills": Backfills, "folder": Folder,
             "clean": Clean, "retention": Retention, "standby": Standby, "stop": Stop, "kill-tasks": KillTasks,
             "recover": Recover, "recover-both": RecoverBoth, "reboot": Reboot, "strangers": Strangers,
             "upgrade": Upgrade}
