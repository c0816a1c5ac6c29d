# SPDX-License-Identifier: MIT
"""What who looks after weir types: explain, db, jobs, dags delete, tasks test."""
import json
import signal
import sqlite3

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


class TestDatabase:
    def test_check(self, weir, write_dag):
        assert "db migrate" in weir("db", "check").stderr
        write_dag("done", "tasks: {a: {command: 'true'}}")
        assert weir("run", "done").returncode == 0
        result = weir("db", "check")
        assert result.returncode == 0 and result.stdout.endswith("weir.db is sound.\n")
        assert objects(weir("db", "check", "-o", "json")) == []

    def test_check_finds_what_does_not_fit(self, weir, write_dag, home):
        write_dag("done", "tasks: {a: {command: 'true'}}")
        weir("run", "done", "-r", "r1")
        with sqlite3.connect(home / "weir.db") as db:
            db.execute("PRAGMA trusted_schema = ON")
            db.execute("UPDATE task_instance SET state = NULL, end_date_us = NULL")
        db.close()
        result = weir("db", "check", "-o", "json")
        assert result.returncode == 1
        assert json.loads(result.stdout) == [
            {"problem": "run r1 of DAG done is success, but its task a is none"}]
        assert "its task a is none" in weir("db", "check").stdout

    def test_check_of_a_damaged_file(self, weir, write_dag, home):
        write_dag("done", "tasks: {a: {command: 'true'}}")
        weir("run", "done")
        with open(home / "weir.db", "r+b") as file:
            file.seek(3 * 4096)
            file.write(b"\xff" * 4096 * 4)
        result = weir("db", "check")
        assert result.returncode == 1 and "sound" not in result.stdout

    def test_migrate(self, weir, home):
        assert "Made " in weir("db", "migrate").stdout
        assert "nothing to do" in weir("db", "migrate").stdout
        row, = objects(weir("db", "migrate", "-o", "json"))
        assert row["version_before"] == row["version_after"] and row["copy"] is None

    def test_migrate_and_backup_beside_a_run(self, weir, blocked, tmp_path, home):
        assert "nothing to do" in weir("db", "migrate").stdout
        copy = tmp_path / "copy.db"
        result = weir("db", "backup", copy)
        assert result.returncode == 0 and "checked" in result.stdout, result.stderr
        assert copy.stat().st_mode & 0o777 == 0o600
        assert not list(tmp_path.glob("copy.db?*"))
        with sqlite3.connect(copy) as db:
            assert db.execute("SELECT state FROM task_instance WHERE task_id = 'load'").fetchone() == ("running",)
        db.close()
        before = copy.read_bytes()
        again = weir("db", "backup", copy)
        assert again.returncode == 1 and "exists" in again.stderr
        assert copy.read_bytes() == before

    def test_a_backup_can_be_put_back(self, weir, write_dag, tmp_path, home):
        write_dag("done", "tasks: {a: {command: 'true'}}")
        weir("run", "done", "-r", "r1")
        weir("db", "backup", tmp_path / "copy.db")
        weir("run", "done", "-r", "r2")
        for name in home.glob("weir.db*"):
            name.unlink()
        (tmp_path / "copy.db").rename(home / "weir.db")
        assert [row["run_id"] for row in objects(weir("dags", "list-runs", "done", "-o", "json"))] == ["r1"]
        assert weir("run", "done", "-r", "r3").returncode == 0
        assert weir("db", "check").returncode == 0


class TestJobs:
    def test_nobody(self, weir):
        result = weir("jobs", "check")
        assert result.returncode == 1 and result.stderr == "No alive jobs found.\n"

    def test_a_run_is_no_scheduler(self, weir, blocked):
        assert weir("jobs", "check").returncode == 1

    def test_a_scheduler(self, weir, start_weir, wait_for):
        process = start_weir("scheduler")
        wait_for(lambda: weir("jobs", "check", "--job-type", "SchedulerJob", "--local").returncode == 0)
        assert weir("jobs", "check").stdout == "Found one alive job.\n"
        process.send_signal(signal.SIGSTOP)
        try:
            assert weir("jobs", "check", timeout=20).returncode == 1
        finally:
            process.send_signal(signal.SIGCONT)
        process.terminate()
        assert process.wait(30) == 0
        assert weir("jobs", "check").returncode == 1

    def test_wrong_type(self, weir):
        result = weir("jobs", "check", "--job-type", "TriggererJob")
        assert result.returncode == 2 and "SchedulerJob" in result.stderr
