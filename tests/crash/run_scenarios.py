# SPDX-License-Identifier: MIT
"""`weir run`, and commands with nobody holding the lock, killed at one of their points."""
from home import Failure
from scheduler_scenarios import Scenario

# All that can become of a task, in one run.
DAG = """\
default_args: {retries: 6, retry_delay: 0s}
tasks:
  first: {command: "%(task)s 0 0; echo result"}
  retried: {command: [%(task)s, "0", "3", "0"], depends_on: first}
  skipped: {command: [%(task)s, "0", "99"], depends_on: first}
  signaled: {command: "%(task)s 0 7; kill -9 $$", depends_on: first, retries: 0}
  nothing: {depends_on: [retried]}
  pulls:
    depends_on: nothing
    command: [sh, -c, 'test "$1" = result && test "$2" -ge 1 || { %(task)s 0 9; exit 9; }; exec %(task)s 0 0', sh, "{{ ti.xcom_pull(task_ids='first') }}", "{{ ti.xcom_pull(task_ids='first', key='key') }}"]
  after_skip: {depends_on: skipped}
  rescue: {command: [%(task)s, "0", "0"], depends_on: signaled, trigger_rule: one_failed}
"""
ENDS = {"first": ("success", 1), "retried": ("success", 2), "skipped": ("skipped", 1), "signaled": ("failed", 1),
        "nothing": ("success", 1), "pulls": ("success", 1), "after_skip": ("skipped", 0), "rescue": ("success", 1)}


class Run(Scenario):
    """`weir run` in the foreground: trigger, schedule, run to the end; continued until it has ended."""
    dags = {"crash": DAG}

    def play(self, service):
        self.expect("crash", ["r1"], tasks=ENDS)
        code = service.call("run", "crash", "--run-id", "r1")
        if code == 0:
            self.must_exist()
        self.finish(service)

    def must_exist(self):
        if not self.value("SELECT count(*) FROM dag_run WHERE run_id = 'r1'"):
            raise Failure("acknowledged, but not stored")

    def finish(self, service):
        code = service.call("run", "crash", "--run-id", "r1")
        if code < 0 and service.has_died:  # killed with the runner, whose point came late
            code = service.call("run", "crash", "--run-id", "r1")
        if code != 0:
            raise Failure(f"weir run --run-id r1 ended with {code}")


class Trigger(Run):
    """A command with nobody holding the lock."""

    def play(self, service):
        self.expect("crash", ["r1"], tasks=ENDS)
        if service.call("dags", "trigger", "crash", "-r", "r1") == 0:
            self.must_exist()
        self.finish(service)


class Resume(Run):
    """Recovery itself: the first process leaves in the middle, the next one is killed while it picks up."""

    def prepare(self, service):
        service.environment = {"WEIR_CRASH_ONLY": "daemon.effect_start", "WEIR_CRASH_AT": "2"}
        service.call("run", "crash", "--run-id", "r1")
        service.environment = {}


class Retry(Run):
    """Clear what failed, offline, then run it again."""

    def prepare(self, service):
        service.call("run", "crash", "--run-id", "r1")

    def play(self, service):
        code = service.call("dags", "clear", "crash", "--run-id", "r1", "--only-failed", "-y")
        cleared = self.audited("clear_dag_run", "crash", "r1")
        if code == 0 and not cleared:
            raise Failure("acknowledged, but not stored")
        self.finish(service)
        self.expect("crash", ["r1"], tasks={**ENDS, "signaled": ("failed", 2 if cleared else 1)})


SCENARIOS = {"run": Run, "trigger": Trigger, "resume": Resume, "retry": Retry}
