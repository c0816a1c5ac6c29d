# SPDX-License-Identifier: MIT
"""on_success, on_failure, on_retry: which run, with what, and that they do, whatever dies on the way."""

import datetime
import json
import os
import re
import signal
import sqlite3

import pytest
from conftest import objects, runner_pids, states, wait_until

AT_ONCE = {"WEIR__SCHEDULER__HOOK_RETRY_DELAY": "0s"}
ONCE = {"WEIR__SCHEDULER__HOOK_RETRIES": "0"}


@pytest.fixture
def told(home):
    """told(): what hooks have appended to the file $TOLD, line by line."""
    path = home / "told"
    path.touch()

    def read():
        return path.read_text().splitlines()

    return read


@pytest.fixture
def gate(home):
    """A named pipe that a command waits at with `cat`, and that the test opens: gate() lets one through."""
    path = home / "gate"
    os.mkfifo(path)

    def open_it():
        with open(path, "w"):
            pass

    open_it.path = path
    return open_it


@pytest.fixture
def hooks(weir):
    def read(dag, *words):
        return objects(weir("dags", "list-hooks", dag, *words, "-o", "json"))

    return read


def read_until(process, beginning):
    """Reads what it says to people, up to a line that begins so."""
    line = process.stderr.readline()
    while not line.startswith(beginning):
        assert line, f"{beginning} was not said"
        line = process.stderr.readline()


class TestWhatRuns:
    def test_each_event_with_its_context(self, weir, write_dag, home, told):
        write_dag("t", f"""
            env: {{TOLD: "{home}/told"}}
            default_args:
              on_success: &tell 'echo "$WEIR_HOOK $WEIR_TASK_ID/$WEIR_TRY_NUMBER/$WEIR_MAX_TRIES $WEIR_STATE [$WEIR_REASON]" >>"$TOLD"'
              on_failure: *tell
            on_retry: *tell
            on_failure: 'echo "$WEIR_HOOK $WEIR_DAG_ID $WEIR_RUN_ID $WEIR_STATE [$WEIR_REASON] [$WEIR_FAILED_TASKS]" >>"$TOLD"'
            on_success: 'echo never >>"$TOLD"'
            tasks:
              good: {{command: "true"}}
              empty: {{}}
              silent: {{command: "true", on_success: ~}}
              again: {{command: test $WEIR_TRY_NUMBER = 2, retries: 2, retry_delay: 0s}}
              bad: {{command: exit 3}}
              shot: {{command: kill -9 $$}}
              late: {{command: exec sleep 1000, execution_timeout: 1s}}
              unknown: {{command: [/nowhere/at/all]}}
              skipped: {{command: exit 99}}
              after: {{depends_on: bad, command: "true"}}
            """)
        assert weir("run", "t", "--run-id", "r1").returncode == 1
        *of_tasks, = sorted(line for line in told() if " t r1 " not in line)
        assert of_tasks == [
            "on_failure bad/1/0 failed [exit code 3]",
            "on_failure late/1/0 failed [timed out after 1s]",
            "on_failure shot/1/0 failed [killed by signal 9]",
            "on_failure unknown/1/0 failed [could not be started]",
            "on_retry again/1/2 up_for_retry [exit code 1]",
            "on_success again/2/2 success []",
            "on_success empty/1/0 success []",
            "on_success good/1/0 success []",
        ]
        (of_run,) = [line for line in told() if " t r1 " in line]
        assert of_run.startswith("on_failure t r1 failed [failed tasks] [")
        assert sorted(re.search(r"\[([^]]*)\]$", of_run).group(1).split()) == ["bad", "late", "shot", "unknown"]

    def test_environment(self, weir, write_dag, home):
        write_dag("t", r"""
            owner: ada
            env: {FROM_DAG: "{{ ds }}"}
            tasks:
              load:
                command: [sh, -c, 'echo one; printf "\033[31mtwo\033[0m" >&2; exit 3']
                env: {FROM_TASK: yes}
                on_failure: [env]
            on_failure: [env]
            """)
        assert weir("run", "t", "--run-id", "r1", "--logical-date", "2026-01-01",
                    env={"WEIR_CONN_DB": "secret", "WEIR_VAR_X": "secret"}).returncode == 1
        logs = home / "logs" / "dag_id=t" / "run_id=r1"
        of_task = next((logs / "hook=on_failure" / "task_id=load").iterdir()).read_text()
        of_run = next((logs / "hook=on_failure").glob("id=*.log")).read_text()
        for line in ["WEIR_HOOK=on_failure", "WEIR_TASK_ID=load", "WEIR_TRY_NUMBER=1", "WEIR_MAX_TRIES=0",
                     "WEIR_HOOK_ATTEMPT=1", "WEIR_ERROR=one\ntwo", "FROM_TASK=yes", "FROM_DAG=2026-01-01",
                     f"WEIR_LOG_PATH={logs}/task_id=load/attempt=1.log", "WEIR_FAILED_TASKS=",
                     "WEIR_LOGICAL_DATE=2026-01-01T00:00:00+00:00", "AIRFLOW_CTX_DAG_OWNER=ada",
                     "AIRFLOW_CTX_TASK_ID=load", f"WEIR_HOME={home}"]:
            assert f"\n{line}\n" in of_task, line
        for line in ["WEIR_TASK_ID=", "WEIR_TRY_NUMBER=", "WEIR_FAILED_TASKS=load", "WEIR_ERROR=one\ntwo",
                     "WEIR_DAG_ID=t", "WEIR_RUN_ID=r1", "WEIR_STATE=failed", "WEIR_REASON=failed tasks",
                     f"WEIR_LOG_PATH={logs}/task_id=load/attempt=1.log"]:
            assert f"\n{line}\n" in of_run, line
        assert "FROM_TASK" not in of_run and "secret" not in of_task + of_run

    def test_nothing_for_what_users_set(self, scheduler, weir, write_dag, home, told, gate, hooks):
        write_dag("t", f"""
            on_failure: &tell 'echo "$WEIR_HOOK $WEIR_RUN_ID $WEIR_TASK_ID" >>"{home}/told"'
            on_success: *tell
            default_args: {{on_success: *tell, on_failure: *tell, on_retry: *tell, retries: 1}}
            tasks: {{a: {{command: "cat {gate.path}"}}}}
            """)
        service = scheduler()
        for run, words in {"canceled": ("dags", "cancel", "t", "canceled"),
                           "marked": ("dags", "mark", "t", "marked", "--state", "success"),
                           "failed": ("dags", "mark", "t", "failed", "--state", "failed")}.items():
            weir("dags", "trigger", "t", "-r", run)
            service.wait_log(rf"run={run} task=a try=1 running")
            assert weir(*words).returncode == 0
            service.wait_log(rf"run={run} (success|failed)")
        weir("dags", "trigger", "t", "-r", "cleared")
        _, line = service.wait_log(r"run=cleared task=a try=1 running")
        assert weir("tasks", "clear", "t", "--run-id", "cleared", "-y").returncode == 0
        service.wait_log(r"run=cleared task=a try=2 running", line)
        gate()
        service.wait_log(r"run=cleared hook=on_success attempt=1/4 success")
        assert sorted(told()) == ["on_success cleared ", "on_success cleared a"]
        assert {row["run_id"] for row in hooks("t")} == {"cleared"}

    def test_runs_that_end_otherwise(self, weir, write_dag, home, told):
        write_dag("late", f"""
            dagrun_timeout: 1s
            on_failure: 'echo "$WEIR_REASON [$WEIR_FAILED_TASKS] [$WEIR_LOG_PATH]" >>"{home}/told"'
            tasks: {{a: {{command: exec sleep 1000, on_failure: 'echo never >>"{home}/told"'}}}}
            """)
        assert weir("run", "late").returncode == 1
        assert told() == ["dagrun_timeout [] []"]


class TestTriedAgain:
    def test_until_it_succeeds(self, weir, write_dag, home, told, hooks):
        write_dag("t", f"""
            tasks:
              a:
                command: exit 1
                on_failure: 'echo "$WEIR_HOOK_ID $WEIR_HOOK_ATTEMPT" >>"{home}/told"; test $WEIR_HOOK_ATTEMPT = 3'
            """)
        result = weir("run", "t", "--run-id", "r1", env=AT_ONCE)
        assert result.returncode == 1 and "Waiting for 1 hook of the run" in result.stderr
        assert re.findall(r"attempt=(\d)/4 failed \(exit code 1\), again at", result.stderr) == ["1", "2"]
        assert told() == ["1 1", "1 2", "1 3"]
        (row,) = hooks("t")
        assert row["state"] == "success" and row["attempt"] == 3 and row["task_id"] == "a" and row["run_id"] == "r1"
        log = open(row["log"]).read()
        assert "on_failure of t.a, attempt 1: " in log and "[weir] Task exited with return code 1" in log

    def test_and_given_up_loudly(self, weir, write_dag, hooks):
        write_dag("t", "on_success: exit 7\ntasks: {a: {command: 'true'}}\n")
        result = weir("run", "t", "--run-id", "r1", env={**AT_ONCE, "WEIR__SCHEDULER__HOOK_RETRIES": "1"})
        assert result.returncode == 0  # the run has ended as it has
        assert "hook=on_success attempt=2/2 failed (exit code 7) and is given up; log " in result.stderr
        (row,) = hooks("t", "r1", "--state", "failed")
        assert row["attempt"] == 2 and row["exit_code"] == 7 and row["end_date"]
        assert weir("run", "t", "--run-id", "r1").stderr == ""

    def test_a_template_that_cannot_be_rendered(self, weir, write_dag, hooks):
        write_dag("t", "tasks: {a: {command: echo text, on_success: [echo, \"{{ ti.xcom_pull(task_ids='a').key }}\"]}}\n")
        assert weir("run", "t", "--run-id", "r1", env=ONCE).returncode == 0
        (row,) = hooks("t")
        assert row["state"] == "failed" and row["end_reason"] == "template_error"
        assert "weir: error: on_success[1]: 1:" in open(row["log"]).read()

    def test_a_command_that_cannot_be_started(self, weir, write_dag, hooks):
        write_dag("t", "tasks: {a: {command: 'true', on_success: [/nowhere/tell]}}\n")
        assert weir("run", "t", "--run-id", "r1", env=ONCE).returncode == 0
        (row,) = hooks("t")
        assert row["state"] == "failed" and row["end_reason"] == "start_failed"

    def test_of_a_task_that_could_not_be_started(self, weir, write_dag, home, told, hooks):
        """What kept the task from being started does not keep its hook from telling so."""
        write_dag("t", f"""
            default_args: {{on_failure: 'echo "$WEIR_TASK_ID [$WEIR_REASON] [$GOOD] $PWD" >>"{home}/told"'}}
            env: {{GOOD: "{{{{ ds }}}}"}}
            tasks:
              env: {{command: "true", env: {{BAD: "{{{{ var.value.unknown }}}}"}}}}
              cwd: {{command: "true", cwd: "{{{{ var.value.unknown }}}}"}}
              gone: {{command: "true", cwd: /nowhere/at/all}}
            """)
        assert weir("run", "t", "--run-id", "r1", "-l", "2026-01-01", env=AT_ONCE).returncode == 1
        assert sorted(told()) == [
            f"cwd [a template could not be rendered] [2026-01-01] {home}/dags",
            f"env [a template could not be rendered] [2026-01-01] {home}/dags",
            f"gone [could not be started] [2026-01-01] {home}/dags",
        ]
        logs = {row["task_id"]: open(row["log"]).read() for row in hooks("t")}
        assert "warning: env.BAD: " in logs["env"] and "the hook goes without it" in logs["env"]
        assert "warning: cwd: " in logs["cwd"] and "the hook runs in the folder of the DAG" in logs["cwd"]
        assert {row["task_id"]: row["attempt"] for row in hooks("t")} == {"env": 1, "cwd": 1, "gone": 2}

    def test_one_that_hangs_is_ended_and_stops_nobody(self, scheduler, weir, write_dag, home, hooks):
        write_dag("hangs", "on_success: exec sleep 1000\ntasks: {a: {}}\n")
        write_dag("other", "tasks: {a: {command: 'true'}, b: {depends_on: a, command: 'true'}}\n")
        service = scheduler(env={**AT_ONCE, "WEIR__SCHEDULER__HOOK_TIMEOUT": "2s", "WEIR__SCHEDULER__HOOK_RETRIES": "1",
                                 "WEIR__CORE__PARALLELISM": "1"})
        weir("dags", "trigger", "hangs", "-r", "r1")
        _, line = service.wait_log(r"hook=on_success attempt=1/2 started")
        weir("dags", "trigger", "other", "-r", "r2")
        service.wait_log(r"dag=other run=r2 success", line)
        service.wait_log(r"hook=on_success attempt=2/2 failed \(timed_out, signal 15\) and is given up", line)
        assert hooks("hangs")[0]["end_reason"] == "timed_out"


class TestAtLeastOnce:
    """Whoever dies, whenever: the hook runs to its end once at least."""

    DAG = """
        env: {{TOLD: "{home}/told"}}
        tasks:
          a:
            command: exit 1
            on_failure: 'echo "begin $WEIR_HOOK_ATTEMPT" >>"$TOLD"; cat {gate}; echo "end $WEIR_HOOK_ATTEMPT" >>"$TOLD"'
        """

    def begin(self, scheduler, weir, write_dag, home, gate):
        write_dag("t", self.DAG.format(home=home, gate=gate.path))
        service = scheduler(env=AT_ONCE)
        weir("dags", "trigger", "t", "-r", "r1")
        wait_until(lambda: "begin 1\n" in (home / "told").read_text(), folder=home, what="the hook's start")
        return service

    def test_kill_9_of_the_daemon(self, scheduler, weir, write_dag, home, told, gate, hooks):
        self.begin(scheduler, weir, write_dag, home, gate).stop(signal.SIGKILL)
        again = scheduler(env=AT_ONCE)
        gate()
        again.wait_log(r"hook=on_failure attempt=1/4 success")
        assert told() == ["begin 1", "end 1"]  # it ran on, and its end was taken in
        assert hooks("t")[0]["state"] == "success"

    def test_it_ends_while_nobody_looks(self, scheduler, weir, write_dag, home, told, gate, hooks):
        self.begin(scheduler, weir, write_dag, home, gate).stop(signal.SIGKILL)
        gate()
        wait_until(lambda: "end 1" in told(), folder=home, what="the hook's end")
        assert weir("dags", "pause", "t").returncode == 0  # a command without a daemon takes it in
        assert hooks("t")[0]["state"] == "success"

    @pytest.mark.parametrize("daemon_too", [False, True])
    def test_kill_9_of_the_runner(self, scheduler, weir, write_dag, home, told, gate, daemon_too):
        service = self.begin(scheduler, weir, write_dag, home, gate)
        (runner,) = runner_pids(home)
        if daemon_too:
            service.stop(signal.SIGKILL)
        os.kill(runner, signal.SIGKILL)
        if daemon_too:
            service = scheduler(env=AT_ONCE)
        service.wait_log(r"hook=on_failure attempt=1/4 failed \(lost\), again at")
        service.wait_log(r"hook=on_failure attempt=2/4 started")
        gate()
        service.wait_log(r"hook=on_failure attempt=2/4 success")
        assert told() == ["begin 1", "begin 2", "end 2"]

    def test_stopped_with_its_tasks(self, scheduler, weir, write_dag, home, told, gate, hooks):
        write_dag("t", self.DAG.format(home=home, gate=gate.path))
        service = scheduler("--kill-tasks", env={**AT_ONCE, **ONCE})
        weir("dags", "trigger", "t", "-r", "r1")
        wait_until(lambda: told() == ["begin 1"], folder=home, what="the hook's start")
        assert service.stop()[0] == 0
        wait_until(lambda: not runner_pids(home), what="the end of the runner")
        assert hooks("t")[0]["state"] == "queued"  # that was no fault of the hook
        again = scheduler(env={**AT_ONCE, **ONCE})
        gate()
        again.wait_log(r"hook=on_failure attempt=2/2 success")
        assert told() == ["begin 1", "begin 2", "end 2"]

    def test_commands_without_a_daemon_start_nothing(self, scheduler, weir, write_dag, home, told, gate, hooks):
        write_dag("t", f"""
            tasks: {{a: {{command: "cat {gate.path}", on_success: 'echo told >>"{home}/told"'}}}}
            """)
        service = scheduler()
        weir("dags", "trigger", "t", "-r", "r1")
        service.wait_log(r"task=a try=1 running")
        service.stop(signal.SIGKILL)
        gate()
        done = lambda: weir("dags", "pause", "t").returncode == 0 and states(weir, "t", "r1") == {"a": "success"}
        wait_until(done, folder=home, what="the task's end")
        (row,) = hooks("t")
        assert row["state"] == "queued" and row["attempt"] == 0 and told() == []
        scheduler().wait_log(r"hook=on_success attempt=1/4 success")
        assert told() == ["told"]

    def test_weir_run_again_after_both_died(self, weir, start_weir, write_dag, home, told, gate, hooks):
        """The run ends with what the next `weir run` takes in; its hooks are waited for all the same."""
        write_dag("t", f"""
            tasks: {{a: {{command: "cat {gate.path}; echo ended >>{home}/told", on_success: 'echo told >>"{home}/told"'}}}}
            """)
        process = start_weir("run", "t", "--run-id", "r1")
        wait_until(lambda: weir("tasks", "state", "t", "a", "r1").stdout == "running\n", folder=home,
                   what="the task's start")
        process.kill()
        process.wait()
        gate()
        wait_until(lambda: told() == ["ended"], folder=home, what="the task's end")
        assert weir("run", "t", "--run-id", "r1").returncode == 0
        assert told() == ["ended", "told"] and hooks("t")[0]["state"] == "success"

    def test_ctrl_c_while_weir_run_waits(self, weir, start_weir, write_dag, home, told, gate, hooks):
        write_dag("t", self.DAG.format(home=home, gate=gate.path))
        process = start_weir("run", "t", "--run-id", "r1", env=AT_ONCE)
        wait_until(lambda: told() == ["begin 1"], folder=home, what="the hook's start")
        wait_until(lambda: (rows := objects(weir("dags", "list-runs", "t", "-o", "json"))) and rows[0]["state"] == "failed",
                   folder=home, what="the run's end")
        read_until(process, "Waiting for 1 hook")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1 and "Left 1 hook" in errors
        assert hooks("t")[0]["state"] == "running"
        again = start_weir("run", "t", "--run-id", "r1", env=AT_ONCE)  # shows the run, and goes on with its hook
        read_until(again, "Waiting for 1 hook")
        gate()
        output, _ = again.communicate(timeout=60)
        assert again.returncode == 1 and output.startswith("r1 of t: failed")
        assert told() == ["begin 1", "end 1"] and hooks("t")[0]["state"] == "success"


    def test_a_run_that_is_cleared_while_weir_run_waits(self, weir, start_weir, write_dag, home, gate):
        """It ended as it did; that it is to run again is for who cleared it, and is told how."""
        write_dag("t", f"on_success: cat {gate.path}\ntasks: {{a: {{command: 'true'}}}}\n")
        process = start_weir("run", "t", "--run-id", "r1")
        read_until(process, "Waiting for 1 hook")
        cleared = weir("dags", "clear", "t", "--run-id", "r1", "-y")
        assert cleared.returncode == 0 and "`weir run t --run-id r1` runs it" in cleared.stderr
        gate()
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0 and output.startswith("r1 of t: success")
        assert weir("dags", "state", "t", "r1").stdout == "queued\n"


class TestBounds:
    def test_hostile_output_stays_data(self, weir, write_dag, home, tmp_path):
        script = tmp_path / "hostile"
        script.write_bytes(b"$(touch " + bytes(home) + b"/pwned) `touch " + bytes(home) +
                           b"/pwned`; touch " + bytes(home) + b"/pwned #\n'\"\\ %s %n \x00 \x1b]0;x\x07 \xff\xfe = \n"
                           + b"x" * 100000 + b"\n")
        write_dag("t", f"""
            tasks:
              a:
                command: 'cat {script}; exit 1'
                on_failure: 'printf "%s" "$WEIR_ERROR" >"{home}/got"; : "$WEIR_REASON" $WEIR_TASK_ID'
            on_failure: [sh, -c, 'printf "%s" "$WEIR_ERROR" >"$1"', sh, "{home}/got-too"]
            """)
        assert weir("run", "t", "--run-id", "r1").returncode == 1
        assert not (home / "pwned").exists()
        got = (home / "got").read_bytes()
        assert got == (home / "got-too").read_bytes() and len(got) <= 4096
        text = got.decode()
        assert set(text) == {"x"}  # the end of the last line is all that fits

    def test_many_at_once(self, weir, write_dag, home, told, hooks):
        """200 failures make 200 hooks, of which a few run at a time."""
        tasks = "\n".join(f"  t{i}: {{}}" for i in range(200)).replace("{}", "{command: exit 1}")
        write_dag("t", "max_active_tasks: 200\ndefault_args:\n"
                  f"  on_failure: 'echo + >>\"{home}/told\"; env >/dev/null; echo - >>\"{home}/told\"'\ntasks:\n{tasks}\n")
        result = weir("run", "t", "--run-id", "r1")
        assert result.returncode == 1
        live = most = 0
        for sign in told():
            live += 1 if sign == "+" else -1
            most = max(most, live)
        assert live == 0 and len(told()) == 400 and 1 <= most <= 8
        rows = hooks("t")
        assert len(rows) == 200 and {row["state"] for row in rows} == {"success"}
        assert {row["attempt"] for row in rows} == {1}

    def test_a_run_deleted_under_its_hook(self, scheduler, weir, write_dag, home, told, gate, hooks):
        write_dag("t", f"""
            on_success: 'echo begin >>"{home}/told"; cat {gate.path}; echo end >>"{home}/told"'
            tasks: {{a: {{}}}}
            """)
        service = scheduler()
        weir("dags", "trigger", "t", "-r", "r1")
        wait_until(lambda: told() == ["begin"], folder=home, what="the hook's start")
        assert weir("dags", "delete", "t", "-y").returncode == 0
        gate()
        wait_until(lambda: told() == ["begin", "end"], folder=home, what="the hook's end")
        weir("dags", "trigger", "t", "-r", "r2")
        service.wait_log(r"run=r2 hook=on_success attempt=1/4 started")
        gate()
        service.wait_log(r"run=r2 hook=on_success attempt=1/4 success")
        service.stop()
        wait_until(lambda: not runner_pids(home), what="the end of the runner, which has been told of all")
        assert weir("db", "check").returncode == 0

    @pytest.mark.parametrize("command", ["exit 1", "echo begin; cat {gate}"])
    def test_a_run_deleted_while_weir_run_waits_for_its_hook(self, weir, start_weir, write_dag, home, gate, command):
        """Whether it is to be tried again in an hour or runs: there is nothing left to wait for."""
        write_dag("t", f"on_success: '{command.format(gate=gate.path)}'\ntasks: {{a: {{}}}}\n")
        process = start_weir("run", "t", "--run-id", "r1", env={"WEIR__SCHEDULER__HOOK_RETRY_DELAY": "1h"})
        read_until(process, "Waiting for 1 hook")
        if command == "exit 1":
            read_until(process, "weir: dag=t run=r1 hook=on_success attempt=1/4 failed")
        else:
            wait_until(lambda: any("begin" in path.read_text() for path in home.glob("logs/**/id=1.log")), folder=home,
                       what="the hook's start")
        assert weir("dags", "delete", "t", "-y").returncode == 0
        process.communicate(timeout=60)
        assert process.returncode == 0  # as the run ended
        if command != "exit 1":
            gate()
        heard = lambda: weir("pools", "set", "p", 1).returncode == 0 and not runner_pids(home)
        wait_until(heard, what="the end of the runner, which is told that nobody wants to know")

    def test_hooks_and_their_logs_go_with_the_run(self, weir, write_dag, home):
        write_dag("t", "on_success: echo told\ntasks: {a: {}}\n")
        assert weir("run", "t", "--run-id", "r1").returncode == 0
        assert list((home / "logs" / "dag_id=t").rglob("hook=on_success/id=1.log"))
        assert weir("dags", "delete", "t", "-y").returncode == 0
        assert not (home / "logs" / "dag_id=t").exists()
        with sqlite3.connect(f"file:{home}/weir.db?mode=ro", uri=True) as db:
            assert db.execute("SELECT count(*) FROM hook").fetchone() == (0,)

    def test_a_run_is_not_old_before_it_is_told(self, scheduler, weir, write_dag, hooks):
        write_dag("t", "on_success: exit 1\ntasks: {a: {}}\n")
        write_dag("plain", "tasks: {a: {}}\n")
        assert weir("run", "plain").returncode == 0
        service = scheduler(env={"WEIR__SCHEDULER__HOOK_RETRY_DELAY": "1h"})
        weir("dags", "trigger", "t", "-r", "r1")
        service.wait_log(r"run=r1 hook=on_success attempt=1/4 failed \(exit code 1\), again at")
        service.stop()
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        assert weir("db", "clean", "--clean-before-timestamp", now, "-y").returncode == 0
        assert hooks("t")[0]["state"] == "queued"
        assert objects(weir("dags", "list-runs", "plain", "-o", "json")) == []

    def test_not_in_pools_nor_parallelism(self, weir, write_dag, home, told):
        write_dag("t", f"""
            tasks:
              a: {{command: "true", on_success: 'echo hook >>"{home}/told"; cat "{home}/gate"'}}
              b: {{depends_on: a, command: 'while ! grep -q hook "{home}/told"; do :; done; echo >"{home}/gate"'}}
            """)
        os.mkfifo(home / "gate")
        result = weir("run", "t", env={"WEIR__CORE__PARALLELISM": "1"})
        assert result.returncode == 0 and told() == ["hook"]


class TestVerbs:
    def test_list_hooks(self, weir, write_dag):
        assert weir("dags", "list-hooks", "t").returncode == 1
        write_dag("t", "on_success: [echo, told]\ntasks: {a: {}}\n")
        assert json.loads(weir("dags", "list-hooks", "t", "-o", "json").stdout) == []
        weir("run", "t", "--run-id", "r1", "--logical-date", "2026-01-01")
        weir("run", "t", "--run-id", "r2", "--logical-date", "2026-01-02")
        table = weir("dags", "list-hooks", "t").stdout.splitlines()
        assert [word.strip() for word in table[0].split("|")] == [
            "run_id", "task_id", "hook", "state", "attempt", "start_date", "end_date", "log"]
        assert [line.split()[0] for line in table[2:]] == ["r2", "r1"]
        assert len(objects(weir("dags", "list-hooks", "t", "2026-01-01", "-o", "json"))) == 1
        assert weir("dags", "list-hooks", "t", "r3").returncode == 1
        wrong = weir("dags", "list-hooks", "t", "--state", "sucess")
        assert wrong.returncode == 2 and 'did you mean "success"' in wrong.stderr

    def test_details_name_them(self, weir, write_dag):
        write_dag("t", "on_failure: [mail, ops]\non_retry: ./again.sh\ntasks: {a: {}}\n")
        (row,) = objects(weir("dags", "details", "t", "-o", "json"))
        assert (row["on_success"], row["on_failure"], row["on_retry"]) == (None, ["mail", "ops"], "./again.sh")
        (task,) = objects(weir("tasks", "list", "t", "-o", "json"))
        assert task["on_failure"] is None and task["on_retry"] == "./again.sh"

    def test_tasks_test_runs_none(self, weir, write_dag, home, told):
        write_dag("t", f"""
            tasks: {{a: {{command: exit 3, on_failure: 'echo told >>"{home}/told"'}}}}
            """)
        assert weir("tasks", "test", "t", "a").returncode == 3
        assert told() == []

    def test_broken_ones_are_found_when_loaded(self, weir, write_dag):
        path = write_dag("t", "on_failure: 'echo {{ ti.try_number }}'\ntasks: {a: {on_failed: x}}\n")
        result = weir("dags", "validate", path)
        assert result.returncode == 1
        text = result.stdout + result.stderr
        assert "t.yaml:1:" in text and "belongs to a task" in text and 'did you mean "on_failure"' in text
