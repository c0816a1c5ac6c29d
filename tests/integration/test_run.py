# SPDX-License-Identifier: MIT
"""weir run: one run to its end, whoever advances it."""

import re
import signal

from conftest import objects, state_of_first_task, states


class TestRun:
    def test_success(self, weir, etl, home):
        result = weir("run", "etl", "-p", "user=ann", "--run-id", "r1", "--logical-date", "2026-01-01")
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("r1 of etl: success in ") and "3 success\n" in result.stdout
        assert re.search(r"^\d\d:\d\d:\d\d load +success \(\S+\)$", result.stderr, re.M)
        assert states(weir, "etl", "r1") == dict.fromkeys(("load", "clean", "report"), "success")
        assert "hello ann 2026-01-01\n" in weir("tasks", "logs", "etl", "load", "r1").stdout
        assert weir("dags", "state", "etl", "r1").stdout == "success\n"
        assert weir("dags", "state", "etl", "2026-01-01").stdout == "success\n"
        assert weir("tasks", "state", "etl", "load", "2026-01-01T00:00:00Z").stdout == "success\n"
        (row,) = objects(weir("dags", "list-runs", "etl", "-o", "json"))
        assert row["run_id"] == "r1" and row["logical_date"] == "2026-01-01T00:00:00Z"
        assert objects(weir("dags", "list", "-o", "json"))[0]["last_run_state"] == "success"
        (row,) = objects(weir("tasks", "render", "etl", "load", "r1", "-o", "json"))
        assert row["command"] == ["/bin/echo", "hello ann 2026-01-01"]

    def test_render_names_the_field(self, weir, write_dag):
        write_dag("t", """
            tasks:
              a: {command: echo text}
              b: {depends_on: a, command: [echo, "{{ ti.xcom_pull(task_ids='a').key }}"]}
              c: {depends_on: a, command: "true", env: {KEY: "{{ ti.xcom_pull(task_ids='a').key }}"}}
            """)
        assert weir("run", "t", "--run-id", "r1").returncode == 1
        assert "weir: command[1]: 1:" in weir("tasks", "render", "t", "b", "r1").stderr
        assert "weir: env.KEY: 1:" in weir("tasks", "render", "t", "c", "r1").stderr

    def test_failure_then_repair(self, weir, etl):
        flag = etl.parent / "fail"
        flag.touch()
        result = weir("run", "etl", "--run-id", "r1")
        assert result.returncode == 1
        assert "first failure: clean, try 1, exit code 3" in result.stdout and "| cleaning" in result.stdout
        assert "weir dags clear etl --run-id r1 --only-failed" in result.stdout
        assert states(weir, "etl", "r1") == {"load": "success", "clean": "failed", "report": "upstream_failed"}
        again = weir("run", "etl", "--run-id", "r1")
        assert again.returncode == 1 and again.stdout == result.stdout and again.stderr == ""
        flag.unlink()
        dry = weir("dags", "clear", "etl", "--run-id", "r1", "--only-failed", "--dry-run", "-o", "json")
        assert {row["task_id"] for row in objects(dry)} == {"clean", "report"}
        assert states(weir, "etl", "r1")["clean"] == "failed"
        cleared = weir("dags", "clear", "etl", "--run-id", "r1", "--only-failed", "-o", "json")
        assert {row["task_id"] for row in objects(cleared)} == {"clean", "report"}
        assert weir("dags", "state", "etl", "r1").stdout == "queued\n"
        result = weir("run", "etl", "--run-id", "r1")
        assert result.returncode == 0, result.stderr
        assert "load" not in result.stderr.replace("r1", "") or "load  running" not in result.stderr
        rows = objects(weir("tasks", "states-for-dag-run", "etl", "r1", "-o", "json"))
        assert [row["try_number"] for row in rows] == [1, 2, 1]
        assert "cleaning" in weir("tasks", "logs", "etl", "clean", "r1", "--try", "1").stdout

    def test_json_summary(self, weir, etl):
        (row,) = objects(weir("run", "etl", "--run-id", "r1", "-o", "json"))
        assert row["state"] == "success" and row["task_counts"] == {"success": 3}

    def test_file_elsewhere(self, weir, tmp_path):
        path = tmp_path / "mine.yaml"
        path.write_text("tasks:\n  a: {command: 'echo in $PWD'}\n")
        result = weir("run", "mine.yaml", "--run-id", "r1")
        assert result.returncode == 0, result.stderr
        assert f"in {tmp_path}\n" in weir("tasks", "logs", "mine", "a", "r1").stdout
        assert weir("tasks", "list", "mine").stdout == "a\n"
        path.write_text("tasks: {a: {command: exit 1}}\n")
        assert weir("run", "mine.yaml", "--run-id", "r2").returncode == 1
        path.write_text("tasks: {a: {command: exit 0}}\n")  # fix it, retry it
        assert weir("dags", "clear", "mine", "--run-id", "r2", "--only-failed").returncode == 0
        result = weir("run", "mine.yaml", "--run-id", "r2")
        assert result.returncode == 0, result.stderr
        path.write_text("tasks: {a: {comand: x}}\n")
        result = weir("run", "mine.yaml")
        assert result.returncode == 1 and result.stdout == ""
        assert result.stderr.startswith("mine.yaml:1:13: error:")

    def test_file_of_the_folder(self, weir, etl, home):
        result = weir("run", "dags/etl.yaml", "--run-id", "r1", cwd=home)
        assert result.returncode == 0, result.stderr
        assert objects(weir("dags", "list", "-o", "json"))[0]["last_run_id"] == "r1"

    def test_undeclared_params_are_refused(self, weir, etl):
        result = weir("run", "etl", "-p", "usr=x")
        assert result.returncode == 1 and "usr" in result.stderr and result.stdout == ""

    def test_interrupt_cancels(self, weir, start_weir, write_dag, wait_for, home):
        write_dag("slow", "tasks: {a: {command: sleep 60}, b: {depends_on: a}}\n")
        process = start_weir("run", "slow", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "slow") == "running", what="running")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "Canceling the run" in err and "r1 of slow: failed" in out
        assert states(weir, "slow", "r1")["a"] == "failed"

    def test_second_interrupt_leaves_at_once(self, weir, start_weir, write_dag, wait_for, home, tmp_path):
        gate = tmp_path / "gate"
        write_dag("deaf", f"""
            tasks:
              a:
                command: "trap '' TERM; until test -e {gate}; do sleep 0.05; done"
        """)
        process = start_weir("run", "deaf", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "deaf") == "running", what="running")
        process.send_signal(signal.SIGINT)
        while "Canceling" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130 and out == ""
        assert "weir run deaf --run-id r1" in err
        gate.touch()
        result = weir("run", "deaf", "--run-id", "r1")
        assert result.returncode == 1 and "r1 of deaf: failed" in result.stdout

    def test_holder_that_does_not_answer_is_named(self, weir, start_weir, write_dag, wait_for, home, tmp_path):
        gate = tmp_path / "gate"
        write_dag("slow", f"tasks: {{a: {{command: 'until test -e {gate}; do sleep 0.05; done'}}}}\n")
        process = start_weir("run", "slow", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "slow") == "running", what="running")
        process.send_signal(signal.SIGSTOP)
        try:
            result = weir("dags", "pause", "slow")
        finally:
            process.send_signal(signal.SIGCONT)
        assert result.returncode == 1
        assert "weir run slow" in result.stderr and f"(pid {process.pid})" in result.stderr
        gate.touch()
        assert process.wait(60) == 0

    def test_reader_of_the_summary_that_leaves(self, start_weir, etl):
        process = start_weir("run", "etl", "--run-id", "r1")
        process.stdout.close()
        assert process.wait(60) == 0

    def test_sigterm_leaves_and_the_run_is_continued(self, weir, start_weir, write_dag, wait_for, home, tmp_path):
        gate = tmp_path / "gate"
        write_dag("slow", f"tasks: {{a: {{command: 'until test -e {gate}; do sleep 0.05; done; echo done'}}}}\n")
        process = start_weir("run", "slow", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "slow") == "running", what="running")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 143 and "weir run slow --run-id r1" in err and out == ""
        gate.touch()
        result = weir("run", "slow", "--run-id", "r1")
        assert result.returncode == 0, result.stderr
        rows = objects(weir("tasks", "states-for-dag-run", "slow", "r1", "-o", "json"))
        assert [(row["state"], row["try_number"]) for row in rows] == [("success", 1)]

    def test_second_run_goes_through_the_first(self, weir, start_weir, etl, write_dag, wait_for, home, tmp_path):
        gate = tmp_path / "gate"
        write_dag("slow", f"tasks: {{a: {{command: 'until test -e {gate}; do sleep 0.05; done'}}}}\n")
        first = start_weir("run", "slow", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "slow") == "running", what="running")
        result = weir("run", "etl", "--run-id", "r2")
        assert result.returncode == 0, result.stderr
        assert "3 success" in result.stdout
        assert weir("dags", "pause", "etl", "-o", "plain").stdout.split() == ["etl", "True"]
        gate.touch()
        out, err = first.communicate(timeout=60)
        assert first.returncode == 0, err

    def test_the_followed_process_dies(self, weir, start_weir, write_dag, wait_for, home, tmp_path):
        gate = tmp_path / "gate"
        text = f"tasks: {{a: {{command: 'until test -e {gate}; do sleep 0.05; done'}}, b: {{depends_on: a}}}}\n"
        write_dag("one", text)
        write_dag("two", text)
        first = start_weir("run", "one", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "one") == "running", what="running")
        second = start_weir("run", "two", "--run-id", "r2")
        wait_for(lambda: state_of_first_task(weir, "two", "r2") == "running", what="running")
        first.kill()
        first.wait()
        gate.touch()
        out, err = second.communicate(timeout=60)
        assert second.returncode == 0, err
        assert "going on without it" in err
        assert states(weir, "two", "r2") == {"a": "success", "b": "success"}
        result = weir("run", "one", "--run-id", "r1")
        assert result.returncode == 0, result.stderr

    def test_the_same_new_run_many_times_at_once(self, weir, start_weir, etl):
        processes = [start_weir("run", "etl", "--run-id", "same") for _ in range(6)]
        for process in processes:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0 and "same of etl: success" in out, err
        (row,) = objects(weir("dags", "list-runs", "etl", "-o", "json"))
        assert row["run_id"] == "same"
        rows = objects(weir("tasks", "states-for-dag-run", "etl", "same", "-o", "json"))
        assert [row["try_number"] for row in rows] == [1, 1, 1]

    def test_a_success_with_a_failed_task_shows_the_failure(self, weir, write_dag):
        write_dag("t", """
            tasks:
              a: {command: "echo broken; exit 7"}
              b: {command: "true", depends_on: a, trigger_rule: all_done}
            """)
        result = weir("run", "t", "--run-id", "r1")
        assert result.returncode == 0 and "r1 of t: success" in result.stdout
        assert "first failure: a, try 1, exit code 7" in result.stdout and "| broken" in result.stdout
        assert "next:" not in result.stdout

    def test_output_that_became_a_folder_is_said_in_the_log(self, weir, write_dag):
        write_dag("t", "tasks: {a: {command: 'rm -f $WEIR_OUTPUT; mkdir $WEIR_OUTPUT'}}")
        assert weir("run", "t", "--run-id", "r1").returncode == 0
        assert "warning: $WEIR_OUTPUT is a folder now" in weir("tasks", "logs", "t", "a", "r1").stdout

    def test_a_run_that_stands_still_says_why(self, weir, start_weir, write_dag):
        write_dag("t", "tasks: {after: {command: 'true', depends_on: load}, load: {command: 'true', pool: nope}}")
        process = start_weir("run", "t", "--run-id", "r1")
        lines = []
        while not lines or "load waits: there is no pool" not in lines[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        assert weir("pools", "set", "nope", "1").returncode == 0
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and "waits" not in err, err
