# SPDX-License-Identifier: MIT
"""What who looks after weir types: explain, db, jobs, dags delete, tasks test."""
import json

import pytest

BLOCKED = """
    dag_id: blocked
    max_active_runs: 1
    tasks:
      load: {command: "until test -e go; do sleep 0.02; done"}
      clean: {command: "true", depends_on: load}
      alarm: {command: "true", depends_on: load, trigger_rule: one_failed}
      lost: {command: "true", pool: nope}
"""


def objects(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def blocked(write_dag, start_weir, weir, wait_for, home):
    """A run `r1` whose first task runs until dags/go is there."""
    write_dag("blocked", BLOCKED)
    process = start_weir("run", "blocked", "--run-id", "r1")
    wait_for(lambda: weir("tasks", "state", "blocked", "load", "r1").stdout == "running\n", what="the first task")
    yield process
    (home / "dags" / "go").touch()
    weir("pools", "set", "nope", "1")
    assert process.wait(30) == 0, process.stderr.read()


class TestExplain:
    def reasons(self, weir, *words):
        return {row["name"]: row["reason"] for row in objects(weir("tasks", "explain", *words, "-o", "json"))}

    def test_a_live_run(self, weir, blocked):
        assert self.reasons(weir, "blocked", "load", "r1")["Task Instance Not Running"].startswith("it is running for ")
        rule = self.reasons(weir, "blocked", "clean", "r1")["Trigger Rule"]
        assert rule.startswith("trigger rule all_success waits for load (running for ")
        assert "none of its 1 upstream tasks has failed yet" in self.reasons(weir, "blocked", "alarm", "r1")["Trigger Rule"]
        assert "no pool \"nope\"" in self.reasons(weir, "blocked", "lost", "r1")["Pool Slots Available"]
        assert weir("dags", "trigger", "blocked", "-r", "r2").returncode == 0
        assert self.reasons(weir, "blocked", "load", "r2") == {
            "Dagrun Running": "its run is queued: max_active_runs 1 is reached by r1"}
        weir("dags", "cancel", "blocked", "r2")

    def test_both_orders_and_wrong_names(self, weir, blocked):
        one, other = weir("tasks", "explain", "blocked", "clean", "r1"), weir("tasks", "explain", "blocked", "r1", "clean")
        assert one.returncode == other.returncode == 0 and "Trigger Rule" in one.stdout and "Trigger Rule" in other.stdout
        for words, said in [(("clen", "r1"), "clean"), (("clean", "r9"), "r1"), (("r1", "clen"), "clean")]:
            result = weir("tasks", "explain", "blocked", *words)
            assert result.returncode == 1 and f'did you mean "{said}"?' in result.stderr

    def test_nobody_advances_it(self, weir, write_dag):
        write_dag("blocked", BLOCKED)
        weir("dags", "trigger", "blocked", "-r", "r1")
        weir("dags", "pause", "blocked")
        found = self.reasons(weir, "blocked", "clean", "r1")
        assert list(found) == ["Scheduler Running", "Dag Not Paused", "Trigger Rule"]
        assert "weir run blocked --run-id r1" in found["Scheduler Running"]
        assert weir("dags", "state", "blocked", "r1").stdout == "queued\n"

    @pytest.mark.parametrize("form", ["table", "plain", "yaml"])
    def test_other_forms(self, weir, write_dag, form):
        write_dag("done", "tasks: {a: {command: exit 3}}")
        weir("run", "done", "-r", "r1")
        result = weir("tasks", "explain", "done", "a", "r1", "-o", form)
        assert result.returncode == 0 and "it has finished: failed, exit code 3" in result.stdout

    def test_the_hint(self, weir):
        assert "weir tasks explain" in weir("tasks", "failed-deps", "a", "b", "c").stderr
