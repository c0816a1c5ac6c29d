# SPDX-License-Identifier: MIT
"""weir scheduler and weir standalone: schedules, the folder while it changes, stopping, standing by, recovery."""

import json
import os
import re
import shutil
import signal
import socket
import time

import pytest
from conftest import runner_pids, wait_until

TICK = "schedule: {every: 1s}\ntasks: {load: {command: 'true'}}\n"


@pytest.fixture
def runs(weir):
    def read(dag, **where):
        result = weir("dags", "list-runs", dag, "-o", "json")
        rows = json.loads(result.stdout) if result.returncode == 0 else []
        return [row for row in rows if all(row[key] == value for key, value in where.items())]

    return read


def tick_of(row):
    return row["logical_date"]


class TestStart:
    def test_says_where_it_is_and_listens(self, scheduler, write_dag, home, weir):
        write_dag("etl", "tasks: {a: {command: 'true'}}\n")
        service = scheduler()
        text = "\n".join(service.lines)
        assert f"home {home}" in text and f"DAG folder {home}/dags: 1 DAG," in text
        assert f"listening on {home}/weir.sock" in text
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in service.lines)
        assert "scheduler" in weir("info").stdout

    def test_standalone_says_what_it_lacks(self, scheduler):
        service = scheduler(verb="standalone")
        assert any("web page" in line and "not part" in line for line in service.lines)

    def test_missing_folder_is_made(self, scheduler, home, write_dag):
        shutil.rmtree(home / "dags")
        service = scheduler()
        assert (home / "dags").is_dir()
        write_dag("late", TICK)
        service.wait_log(r"dag=late run=scheduled__\S+ success")

    def test_no_wait_names_the_holder(self, scheduler, weir):
        service = scheduler()
        result = weir("scheduler", "--no-wait")
        assert result.returncode == 1 and f"pid {service.process.pid}" in result.stderr

    def test_ready_and_stopping_are_told_to_systemd(self, scheduler, tmp_path):
        path = tmp_path / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(path))
            listener.settimeout(60)
            service = scheduler(env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"})
            heard = [listener.recv(4096).decode() for _ in range(3)]
            assert heard[0].startswith("READY=1")
            assert heard[1:] == ["WATCHDOG=1", "WATCHDOG=1"]
            service.stop()
            while heard[-1] != "STOPPING=1":
                heard.append(listener.recv(4096).decode())


class TestLog:
    def test_names_a_pool_that_runs_wait_for(self, scheduler, write_dag, weir):
        """Else a night's tasks would wait for ever without a word."""
        write_dag("pooled", "schedule: {every: 1s}\nmax_active_runs: 1\ntasks: {a: {command: 'true', pool: api}}\n")
        service = scheduler()
        _, line = service.wait_log(r'warning: dag=pooled run=scheduled__\S+ there is no pool "api": .*weir pools set api')
        assert weir("pools", "set", "api", "1").returncode == 0
        service.wait_log(r"dag=pooled run=scheduled__\S+ success", line)

    def test_each_line_has_its_time(self, scheduler, write_dag):
        service = scheduler()
        write_dag("broken", "retries: 1\ntasks: {a: {comand: x}}\n")
        service.wait_log(r'Z warning: .*broken.yaml:2:\d+: error: unknown key "comand"')

    def test_says_that_a_canceled_run_is_being_ended(self, scheduler, write_dag, weir):
        write_dag("slow", "tasks: {a: {command: [sleep, '1000']}}\n")
        service = scheduler()
        weir("dags", "trigger", "slow", "-r", "r1")
        _, line = service.wait_log(r"dag=slow run=r1 task=a try=1 running")
        weir("dags", "cancel", "slow", "r1")
        _, line = service.wait_log(r"dag=slow run=r1 task=a try=1 its process is being ended, then it is failed", line)
        _, line = service.wait_log(r"dag=slow run=r1 its processes are being ended, then it is failed", line)
        _, line = service.wait_log(r"dag=slow run=r1 task=a try=1 failed in .*\(canceled\)", line)
        service.wait_log(r"dag=slow run=r1 failed .*\(canceled\)", line)


class TestSchedules:
    def test_fires_with_airflows_names(self, scheduler, write_dag, runs):
        write_dag("tick", TICK)
        service = scheduler()
        match, _ = service.wait_log(r"dag=tick run=(scheduled__\S+) task=load try=1 success")
        service.wait_log(re.escape(f"run={match[1]} success"))
        row = runs("tick", dag_run_id=match[1])[0]
        assert row["run_type"] == "scheduled" and row["triggered_by"] == "timetable"
        assert match[1] == "scheduled__" + row["logical_date"].replace("Z", "+00:00")
        assert row["run_after"] == row["logical_date"] == row["data_interval_start"] == row["data_interval_end"]

    def test_interval_mode(self, scheduler, write_dag, runs):
        write_dag("tick", "data_interval: interval\n" + TICK)
        service = scheduler()
        match, _ = service.wait_log(r"dag=tick run=(scheduled__\S+) success")
        row = runs("tick", dag_run_id=match[1])[0]
        assert row["logical_date"] == row["data_interval_start"] < row["data_interval_end"] == row["run_after"]

    def test_nothing_fires_at_first_sight(self, scheduler, write_dag, runs):
        write_dag("daily", "schedule: '@daily'\nstart_date: 2020-01-01\ntasks: {a: {command: 'true'}}\n")
        write_dag("tick", TICK)
        scheduler().wait_log(r"dag=tick run=\S+ success")
        assert runs("daily") == []

    def test_catchup_runs_them_all_in_order(self, scheduler, write_dag, runs):
        write_dag(
            "past",
            """
            schedule: "@daily"
            start_date: 2026-01-01
            end_date: 2026-01-20
            catchup: true
            max_active_runs: 3
            tasks: {a: {command: "true", depends_on_past: true}}
            """,
        )
        service = scheduler()
        service.wait_log(r"run=scheduled__2026-01-20T00:00:00\+00:00 success")
        wait_until(lambda: len(runs("past", state="success")) == 20)
        ended = [row["logical_date"] for row in sorted(runs("past"), key=lambda row: row["end_date"])]
        assert ended == [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 21)]

    def test_max_active_runs_limits_what_is_made(self, scheduler, write_dag, runs, weir, home):
        gate = home / "gate"
        os.mkfifo(gate)
        write_dag("slow", f"schedule: {{every: 1s}}\nmax_active_runs: 1\ntasks: {{a: {{command: 'cat {gate}'}}}}\n")
        write_dag("tick", TICK)
        service = scheduler()
        match, line = service.wait_log(r"dag=slow run=(\S+) task=a try=1 running")
        for _ in range(3):  # ticks go by
            _, line = service.wait_log(r"dag=tick run=\S+ success", line)
        assert [row["dag_run_id"] for row in runs("slow")] == [match[1]]
        with open(gate, "w"):
            pass
        again, _ = service.wait_log(r"dag=slow run=(scheduled__\S+) running", line)
        assert again[1] != match[1]
        weir("dags", "pause", "slow")
        service.wait_log(re.escape(f"run={again[1]} task=a try=1 running"))
        weir("dags", "cancel", "slow", again[1])
        service.wait_log(re.escape(f"run={again[1]} failed"))

    def test_a_run_by_hand_takes_the_tick(self, scheduler, write_dag, runs, weir):
        write_dag("past", "schedule: '@daily'\nstart_date: 2026-01-01\nend_date: 2026-01-03\ncatchup: true\n" + "tasks: {a: {command: 'true'}}\n")
        assert weir("dags", "trigger", "past", "-l", "2026-01-02", "-r", "mine").returncode == 0
        service = scheduler()
        service.wait_log(r"run=scheduled__2026-01-03\S+ success")
        dates = sorted((tick_of(row), row["run_type"]) for row in runs("past"))
        assert dates == [
            ("2026-01-01T00:00:00Z", "scheduled"),
            ("2026-01-02T00:00:00Z", "manual"),
            ("2026-01-03T00:00:00Z", "scheduled"),
        ]

    def test_pause_and_unpause(self, scheduler, write_dag, runs, weir):
        write_dag("tick", TICK)
        write_dag("other", TICK)
        service = scheduler()
        service.wait_log(r"dag=tick run=\S+ success")
        assert weir("dags", "pause", "tick").returncode == 0
        paused_with, line = len(runs("tick")), len(service.lines)
        for _ in range(3):
            _, line = service.wait_log(r"dag=other run=\S+ success", line)
        assert len(runs("tick")) == paused_with
        before = {row["dag_run_id"] for row in runs("tick")}
        assert weir("dags", "unpause", "tick").returncode == 0
        match, _ = service.wait_log(r"dag=tick run=(\S+) running", line)
        assert match[1] not in before
        dates = sorted(tick_of(row) for row in runs("tick"))
        assert len(dates) == len(set(dates))

    def test_paused_at_creation(self, scheduler, write_dag, runs):
        write_dag("tick", TICK)
        service = scheduler(env={"WEIR__CORE__DAGS_ARE_PAUSED_AT_CREATION": "true"})
        write_dag("late", TICK)
        service.wait_log(r"dag=late paused, next run at")
        assert runs("tick") == [] and runs("late") == []

    def test_once(self, scheduler, write_dag, runs):
        write_dag("once", "schedule: '@once'\ntasks: {a: {command: 'true'}}\n")
        service = scheduler()
        service.wait_log(r"dag=once run=\S+ success")
        service.stop()
        write_dag("tick", TICK)
        scheduler().wait_log(r"dag=tick run=\S+ success")
        assert len(runs("once")) == 1

    def test_continuous(self, scheduler, write_dag, runs):
        write_dag("flow", "schedule: '@continuous'\nmax_active_runs: 1\ntasks: {a: {command: 'true'}}\n")
        service, line = scheduler(), 0
        for _ in range(3):
            _, line = service.wait_log(r"dag=flow run=\S+ success", line)
        rows = sorted(runs("flow"), key=tick_of)
        for one, other in zip(rows, rows[1:]):
            assert one["data_interval_end"] == other["data_interval_start"]

    def test_next_execution(self, write_dag, weir):
        write_dag("daily", "schedule: '30 2 * * *'\ntimezone: Europe/London\nstart_date: 2099-03-27\ntasks: {a: {}}\n")
        result = weir("dags", "next-execution", "daily", "-n", "4", "-o", "json")
        assert [row["run_after"] for row in json.loads(result.stdout)] == [
            "2099-03-27T02:30:00Z",
            "2099-03-28T02:30:00Z",
            "2099-03-29T01:30:00Z",  # summer time
            "2099-03-30T01:30:00Z",
        ]
        write_dag("manual", "tasks: {a: {}}\n")
        result = weir("dags", "next-execution", "manual", "-o", "json")
        assert json.loads(result.stdout) == [] and "no further run" in result.stderr

    def test_next_execution_of_a_broken_file_and_of_none(self, write_dag, weir):
        """As the scheduler does: the last good version goes on firing, a DAG without a file in the folder does not."""
        path = write_dag("daily", "schedule: '30 2 * * *'\nstart_date: 2099-01-01\ntasks: {a: {}}\n")
        assert weir("run", "daily").returncode == 0
        for broken in ("tasks: {a: {comand: x}}\n", "tasks: [\n"):
            path.write_text(broken)
            result = weir("dags", "next-execution", "daily", "-o", "json")
            assert [row["run_after"] for row in json.loads(result.stdout)] == ["2099-01-01T02:30:00Z"]
            assert "its last good version goes on" in result.stderr
        path.unlink()
        result = weir("dags", "next-execution", "daily", "-o", "json")
        assert json.loads(result.stdout) == [] and "no file in the DAG folder" in result.stderr


class TestFolder:
    def test_add_break_fix_rename_remove(self, scheduler, write_dag, weir, runs, home):
        service = scheduler()
        path = write_dag("team/tick", TICK)  # a new subfolder, too
        _, line = service.wait_log(r"dag=tick added: team/tick.yaml")
        _, line = service.wait_log(r"dag=tick run=\S+ success", line)

        path.write_text("tasks: {load: {comand: x}}\n")
        _, line = service.wait_log(r"tick.yaml:1:\d+: error: .*comand", line)
        errors = json.loads(weir("dags", "list-import-errors", "-o", "json").stdout)
        assert [row["filename"] for row in errors] == [str(path)]
        _, line = service.wait_log(r"dag=tick run=\S+ success", line)  # its last good version goes on

        path.write_text(TICK.replace("load", "unload"))
        _, line = service.wait_log(r"dag=tick \w+.*: team/tick.yaml", line)
        _, line = service.wait_log(r"dag=tick run=\S+ task=unload try=1 success", line)
        assert json.loads(weir("dags", "list-import-errors", "-o", "json").stdout) == []

        moved = home / "dags" / "moved.yaml"
        moved.write_text("dag_id: tick\n" + path.read_text())
        path.unlink()
        _, line = service.wait_log(r"dag=tick \w+.*: moved.yaml", line)
        _, line = service.wait_log(r"dag=tick run=\S+ success", line)

        moved.unlink()
        _, line = service.wait_log(r"dag=tick its file is gone", line)
        n = len(runs("tick"))
        write_dag("other", TICK)
        for _ in range(3):
            _, line = service.wait_log(r"dag=other run=\S+ success", line)
        assert len(runs("tick")) == n > 0  # history stays, nothing new

    def test_a_deleted_dag_with_a_file_is_new(self, scheduler, write_dag, weir, runs):
        write_dag("past", "schedule: '@once'\ntasks: {a: {command: 'true'}}\n")
        service = scheduler()
        _, line = service.wait_log(r"dag=past run=\S+ success")
        assert weir("dags", "delete", "past", "-y").returncode == 0
        _, line = service.wait_log(r"dag=past added", line)
        service.wait_log(r"dag=past run=\S+ success", line)
        assert len(runs("past")) == 1

    def test_broken_at_start_goes_on_with_its_last_good_version(self, scheduler, write_dag):
        path = write_dag("sub/tick", "dag_id: ticker\n" + TICK)
        first = scheduler()
        first.wait_log(r"dag=ticker run=\S+ success")
        first.stop()
        path.write_text("dag_id: [\n")
        second = scheduler()
        second.wait_log(r"warning: .*tick.yaml")
        second.wait_log(r"dag=ticker run=\S+ success")

    def test_a_running_run_keeps_its_version(self, scheduler, write_dag, home, weir):
        gate = home / "gate"
        os.mkfifo(gate)
        path = write_dag("etl", f"tasks: {{a: {{command: 'cat {gate}'}}, b: {{depends_on: a, command: echo old}}}}\n")
        service = scheduler()
        weir("dags", "trigger", "etl", "-r", "one")
        _, line = service.wait_log(r"task=a try=1 running")
        path.write_text("tasks: {b: {command: echo new}}\n")
        service.wait_log(r"dag=etl changed")
        with open(gate, "w"):
            pass
        service.wait_log(r"dag=etl run=one success", line)
        assert "old" in weir("tasks", "logs", "etl", "b", "one").stdout

    def test_a_folder_made_of_links(self, scheduler, home, tmp_path):
        """As git-sync and config maps turn whole folders: one link to another."""
        for name, every in (("one", "first"), ("two", "second")):
            (tmp_path / name).mkdir()
            (tmp_path / name / f"{every}.yaml").write_text(TICK)
        shutil.rmtree(home / "dags")
        (home / "dags").symlink_to(tmp_path / "one")
        service = scheduler()
        service.wait_log(r"dag=first run=\S+ success")
        (home / "turn").symlink_to(tmp_path / "two")
        os.rename(home / "turn", home / "dags")
        service.wait_log(r"dag=first its file is gone")
        service.wait_log(r"dag=second run=\S+ success")


class TestStop:
    def test_tasks_go_on_and_are_taken_up_again(self, scheduler, write_dag, home, weir, runs):
        gate = home / "gate"
        os.mkfifo(gate)
        write_dag("slow", f"tasks: {{a: {{command: 'cat {gate}; echo done'}}, b: {{depends_on: a, command: 'true'}}}}\n")
        service = scheduler()
        weir("dags", "trigger", "slow", "-r", "one")
        service.wait_log(r"task=a try=1 running")
        code, took = service.stop()
        assert code == 0 and took < 5  # 0.1 s when nothing else keeps the machine busy
        assert runner_pids(home)
        again = scheduler()
        with open(gate, "w"):
            pass
        again.wait_log(r"dag=slow run=one success")
        assert "done" in weir("tasks", "logs", "slow", "a", "one").stdout

    def test_kill_9_and_start_again(self, scheduler, write_dag, home, weir, runs):
        gate = home / "gate"
        os.mkfifo(gate)
        write_dag("slow", f"tasks: {{a: {{command: 'cat {gate}'}}}}\n")
        write_dag("tick", TICK)
        service = scheduler()
        weir("dags", "trigger", "slow", "-r", "one")
        service.wait_log(r"task=a try=1 running")
        service.wait_log(r"dag=tick run=\S+ success")
        service.stop(signal.SIGKILL)
        again = scheduler()
        with open(gate, "w"):
            pass
        again.wait_log(r"dag=slow run=one success")
        again.wait_log(r"dag=tick run=\S+ success")
        dates = [tick_of(row) for row in runs("tick")]
        assert len(dates) == len(set(dates))
        assert json.loads(weir("tasks", "state", "slow", "a", "one", "-o", "json").stdout)[0]["try_number"] == 1

    def test_kill_tasks(self, scheduler, write_dag, weir, home):
        write_dag(
            "slow",
            """
            tasks:
              a: {command: "exec sleep 1000"}
              b: {command: "exec sleep 1000", retries: 1, retry_delay: 1h}
            """,
        )
        service = scheduler("--kill-tasks")
        weir("dags", "trigger", "slow", "-r", "one")
        service.wait_log(r"task=a try=1 running")
        service.wait_log(r"task=b try=1 running")
        code, _ = service.stop()
        assert code == 0
        wait_until(lambda: not runner_pids(home), what="the end of the runner")
        rows = json.loads(weir("tasks", "states-for-dag-run", "slow", "one", "-o", "json").stdout)
        assert {row["task_id"]: row["state"] for row in rows} == {"a": "failed", "b": "up_for_retry"}

    def test_sigint_does_the_same(self, scheduler):
        assert scheduler().stop(signal.SIGINT)[0] == 0


class TestStandby:
    def test_takes_over_when_the_first_dies(self, scheduler, write_dag, runs):
        write_dag("tick", TICK)
        first = scheduler()
        second = scheduler(wait=rf"standby: .*pid {first.process.pid}")
        first.wait_log(r"dag=tick run=\S+ success")
        first.stop(signal.SIGKILL)
        second.wait_log(r"takes over")
        second.wait_log(r"dag=tick run=\S+ success")
        dates = [tick_of(row) for row in runs("tick")]
        assert len(dates) == len(set(dates))

    def test_ends_at_once_while_it_waits(self, scheduler):
        scheduler()
        second = scheduler(wait=r"standby: ")
        assert second.stop()[0] == 0
