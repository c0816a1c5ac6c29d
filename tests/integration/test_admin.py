# SPDX-License-Identifier: MIT
"""What who looks after weir types: explain, db, jobs, dags delete, tasks test."""
import datetime
import json
import signal
import sqlite3

import pytest
from conftest import objects

BLOCKED = """
    dag_id: blocked
    max_active_runs: 1
    tasks:
      load: {command: "until test -e go; do sleep 0.02; done"}
      clean: {command: "true", depends_on: load}
      alarm: {command: "true", depends_on: load, trigger_rule: one_failed}
      lost: {command: "true", pool: nope}
"""


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

    @pytest.mark.parametrize("verb", ["state", "logs", "render"])
    def test_both_orders_of_the_other_verbs(self, weir, write_dag, verb):
        write_dag("done", "tasks: {a: {command: echo hello}}")
        assert weir("run", "done", "--run-id", "r1").returncode == 0
        one, other = weir("tasks", verb, "done", "a", "r1"), weir("tasks", verb, "done", "r1", "a")
        assert one.returncode == other.returncode == 0 and one.stdout == other.stdout != "", (one, other)

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
        assert again.returncode == 1 and "such a file already" in again.stderr
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


class TestClean:
    @pytest.fixture
    def old_runs(self, weir, write_dag):
        write_dag("done", "tasks: {a: {command: echo hello}, b: {command: 'true', depends_on: a}}")
        write_dag("other", "tasks: {a: {command: echo hello}}")
        for dag, run in [("done", "r1"), ("done", "r2"), ("other", "r1")]:
            assert weir("run", dag, "-r", run).returncode == 0

    @staticmethod
    def now():
        return datetime.datetime.now(datetime.timezone.utc).isoformat()

    def test_dry_run_deletes_nothing(self, weir, old_runs, home):
        rows = objects(weir("db", "clean", "--clean-before-timestamp", self.now(), "--dry-run", "-o", "json"))
        assert rows == [{"dag_id": "done", "dag_runs": 2, "task_instances": 4},
                        {"dag_id": "other", "dag_runs": 1, "task_instances": 1}]
        assert len(objects(weir("dags", "list-runs", "done", "-o", "json"))) == 2
        assert len(list(home.glob("logs/*/*/*/attempt=1.log"))) == 5

    def test_one_dag(self, weir, old_runs, home):
        result = weir("db", "clean", "--clean-before-timestamp", self.now(), "--dag-ids", "done", "--batch-size", "1")
        assert result.returncode == 0 and "Deleted 2 runs with 4 task instances" in result.stderr, result.stderr
        assert objects(weir("dags", "list-runs", "done", "-o", "json")) == []
        assert [path.parts[-3] for path in home.glob("logs/*/*/*")] == ["dag_id=other"]
        assert weir("db", "check").returncode == 0
        assert weir("run", "done", "-r", "r1").returncode == 0

    @pytest.mark.parametrize("words, code, said", [
        ((), 2, "--clean-before-timestamp is missing"),
        (("--clean-before-timestamp", "soon"), 1, "soon"),
        (("--clean-before-timestamp", "2999-01-01"), 1, "future"),
        (("--clean-before-timestamp", "2026-01-01", "--dag-ids", "dne"), 1, 'did you mean "done"?'),
        (("--clean-before-timestamp", "2026-01-01", "--batch-size", "0"), 2, "whole number"),
    ])
    def test_wrong(self, weir, old_runs, words, code, said):
        result = weir("db", "clean", *words)
        assert result.returncode == code and said in result.stderr

    def test_while_a_scheduler_runs(self, weir, old_runs, start_weir, wait_for, write_dag):
        process = start_weir("scheduler")
        wait_for(lambda: weir("jobs", "check").returncode == 0)
        for number in range(30):
            weir("dags", "trigger", "done", "-r", f"more{number}")
        wait_for(lambda: all(row["state"] == "success" for row in objects(weir("dags", "list-runs", "done", "-o", "json"))))
        result = weir("db", "clean", "--clean-before-timestamp", self.now(), "-y", "--batch-size", "5")
        assert "Deleted 33 runs with 65 task instances" in result.stderr, result.stderr
        assert objects(weir("dags", "list-runs", "done", "-o", "json")) == []
        assert weir("db", "check").returncode == 0
        weir("dags", "trigger", "other", "-r", "r1")
        wait_for(lambda: weir("dags", "state", "other", "r1").stdout == "success\n")
        process.terminate()
        assert process.wait(30) == 0


class TestDelete:
    def test_delete(self, weir, write_dag, home):
        path = write_dag("done", "tasks: {a: {command: echo hello}}")
        weir("run", "done", "-r", "r1")
        result = weir("dags", "delete", "done", "-y")
        assert result.returncode == 0 and "its file is still there" in result.stderr
        assert not (home / "logs" / "dag_id=done").exists()
        assert "has never run" in weir("dags", "state", "done", "r1").stderr
        assert weir("run", "done", "-r", "r1").returncode == 0
        path.unlink()
        result = weir("dags", "delete", "done", "-y")
        assert result.returncode == 0 and "still there" not in result.stderr
        assert weir("dags", "delete", "done").returncode == 1
        assert objects(weir("dags", "list", "-o", "json")) == []

    def test_a_file_elsewhere_does_not_bring_its_dag_back(self, weir, home, tmp_path):
        path = tmp_path / "elsewhere.yaml"
        path.write_text("tasks: {a: {}}\n")
        assert weir("run", path).returncode == 0
        result = weir("dags", "delete", "elsewhere", "-y")
        assert result.returncode == 0 and "comes back" not in result.stderr

    def test_refused_while_it_runs(self, weir, blocked):
        result = weir("dags", "delete", "blocked", "-y")
        assert result.returncode == 1 and 'unfinished run, such as "r1" (running)' in result.stderr
        assert weir("dags", "state", "blocked", "r1").stdout == "running\n"

    def test_suggestion(self, weir, write_dag):
        write_dag("done", "tasks: {a: {command: echo hello}}")
        assert 'did you mean "done"?' in weir("dags", "delete", "dne").stderr

    def test_it_comes_back_in_a_scheduler(self, weir, write_dag, start_weir, wait_for):
        write_dag("done", 'schedule: "@yearly"\ntasks: {a: {command: echo hello}}')
        process = start_weir("scheduler")
        wait_for(lambda: weir("jobs", "check").returncode == 0)
        weir("dags", "trigger", "done", "-r", "r1")
        wait_for(lambda: weir("dags", "state", "done", "r1").stdout == "success\n")
        assert weir("dags", "delete", "done").returncode == 0
        wait_for(lambda: weir("dags", "trigger", "done", "-r", "r1").returncode == 0)
        wait_for(lambda: weir("dags", "state", "done", "r1").stdout == "success\n")
        process.terminate()
        assert process.wait(30) == 0


class TestTasksTest:
    @pytest.fixture
    def sample(self, write_dag):
        return write_dag("sample", """
            params: {n: {type: integer, default: 3}}
            env: {DAY: "{{ ds }}"}
            tasks:
              say: {command: "echo $DAY {{ params.n }} $WEIR_TASK_ID; echo rows=12 >>$WEIR_OUTPUT; exit 4"}
              count: {command: [seq, "{{ params.n }}"], depends_on: say}
              lost: {command: [nonesuch]}
              killed: {command: "kill -9 $$"}
              skipped: {command: "exit 99"}
              nothing: {}
              pull: {command: ["echo", "{{ ti.xcom_pull(task_ids='count') }}"]}
              secret: {command: 'echo "[$WEIR_CONN_DB]"'}
              reads: {command: cat}
            """)

    def test_as_an_attempt_would(self, weir, sample, home):
        result = weir("tasks", "test", "sample", "say", "2026-01-05", "-p", "n=2")
        assert result.returncode == 4 and result.stdout == "2026-01-05 2 say\n"
        assert "sample.say try 1: echo $DAY 2" in result.stderr and "XCom rows: 12" in result.stderr
        assert "the task would fail" in result.stderr
        result = weir("tasks", "test", "sample", "count")
        assert result.returncode == 0 and result.stdout == "1\n2\n3\n"
        assert not (home / "weir.db").exists() and not (home / "logs").exists()

    @pytest.mark.parametrize("task, code, said", [
        ("killed", 137, "would fail"), ("skipped", 99, "would be skipped"), ("nothing", 0, "has no command"),
        ("lost", 1, "nonesuch"), ("cont", 1, 'did you mean "count"?')])
    def test_ends(self, weir, sample, task, code, said):
        result = weir("tasks", "test", "sample", task)
        assert result.returncode == code and said in result.stderr

    def test_params(self, weir, sample):
        assert 'no param "m"; did you mean "n"?' in weir("tasks", "test", "sample", "say", "-p", "m=1").stderr
        assert weir("tasks", "test", "sample", "say", "-p", "n=x").returncode == 1
        assert weir("tasks", "test", "sample", "say", "-p", "n").returncode == 2

    def test_of_a_run(self, weir, sample, home):
        weir("run", "sample", "-r", "r1", "-p", "n=2", "--logical-date", "2026-02-03")
        before = objects(weir("tasks", "states-for-dag-run", "sample", "r1", "-o", "json"))
        for run in ("r1", "2026-02-03"):
            assert weir("tasks", "test", "sample", "say", run).stdout == "2026-02-03 2 say\n"
        assert weir("tasks", "test", "sample", "say", "r1", "-p", "n=7").stdout == "2026-02-03 7 say\n"
        assert objects(weir("tasks", "states-for-dag-run", "sample", "r1", "-o", "json")) == before

    def test_xcoms_of_a_run(self, weir, write_dag):
        write_dag("two", "tasks: {a: {command: echo 5}, b: {command: [echo, \"{{ ti.xcom_pull(task_ids='a') }}\"]}}")
        weir("run", "two", "-r", "r1")
        assert weir("tasks", "test", "two", "b", "r1").stdout == "5\n"

    def test_no_secrets_in_its_environment_and_stdin(self, weir, sample):
        assert weir("tasks", "test", "sample", "secret", env={"WEIR_CONN_DB": "pg://u:p@h/d"}).stdout == "[]\n"
        assert weir("tasks", "test", "sample", "reads", input="typed\n").stdout == "typed\n"
