# SPDX-License-Identifier: MIT
"""What weir meets when somebody means it badly, or nobody thought of it: a clear answer, nothing lost, nobody waits."""

import json
import os
import resource
import socket
import sqlite3
import subprocess

import pytest
from conftest import clean_environment

ONE_TASK = "tasks: {a: {command: echo hello}}"

# A page and the journal that takes it back: what a kill while SQLite makes the file leaves.
HALF_MADE_PAGE = b"SQLite format 3\0".ljust(4096, b"\0")
HALF_MADE_JOURNAL = (bytes.fromhex("d9d505f920a163d7") + bytes(14) + b"\2\0\0\0\x10").ljust(512, b"\0")


def test_a_home_that_was_killed_while_it_was_made(weir, home, write_dag):
    write_dag("d", ONE_TASK)
    (home / "weir.db").write_bytes(HALF_MADE_PAGE)
    (home / "weir.db-journal").write_bytes(HALF_MADE_JOURNAL)
    assert weir("dags", "list-runs", "d").returncode == 0
    done = weir("run", "d", "--run-id", "r")
    assert done.returncode == 0, done.stderr
    assert weir("dags", "state", "d", "r").stdout == "success\n"


def test_a_limit_on_the_size_of_files_is_a_full_disk(binary, weir, home, write_dag, tmp_path):
    write_dag("d", ONE_TASK)
    assert weir("run", "d", "--run-id", "before").returncode == 0
    done = subprocess.run(
        [str(binary), "run", "d", "--run-id", "r"],
        env=clean_environment(home),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY)),
    )
    assert done.returncode == 1
    assert "no room to write" in done.stderr
    assert weir("dags", "state", "d", "before").stdout == "success\n"


def test_a_log_that_became_a_pipe_is_not_waited_for(weir, home, write_dag):
    write_dag("d", 'tasks: {a: {command: "rm $LOG; mkfifo $LOG", env: {LOG: "{{ params.log }}"}}}\nparams: {log: x}')
    log = home / "logs" / "dag_id=d" / "run_id=r" / "task_id=a" / "attempt=1.log"
    done = weir("run", "d", "--run-id", "r", "-p", f"log={log}")
    assert done.returncode == 0, done.stderr
    assert log.is_fifo()
    assert weir("tasks", "logs", "d", "a", "r").stdout == ""


def test_a_pipe_where_a_log_shall_be_fails_that_attempt_only(weir, home, write_dag):
    write_dag("d", "tasks: {a: {command: echo a}, b: {command: echo b}}")
    folder = home / "logs" / "dag_id=d" / "run_id=r" / "task_id=a"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "attempt=1.log")
    done = weir("run", "d", "--run-id", "r")
    assert done.returncode == 1
    assert weir("tasks", "state", "d", "a", "r").stdout == "failed\n"
    assert weir("tasks", "state", "d", "b", "r").stdout == "success\n"


def test_a_settings_file_that_is_no_file_is_named(weir, home):
    (home / "weir.yaml").mkdir()
    said = weir("dags", "list")
    assert said.returncode == 1
    assert f"{home}/weir.yaml: cannot read the file" in said.stderr


def test_more_connections_than_are_served(weir, start_weir, home, write_dag, wait_for):
    write_dag("d", ONE_TASK)
    scheduler = start_weir("scheduler", stderr=subprocess.DEVNULL)
    wait_for((home / "weir.sock").exists, what="the scheduler")
    idle = []
    for _ in range(257):
        idle.append(socket.socket(socket.AF_UNIX))
        idle[-1].connect(str(home / "weir.sock"))
    idle[-1].settimeout(60)
    error = json.loads(idle[-1].recv(4096))["error"]
    assert error["code"] == "busy" and "serves 256 connections at once" in error["message"]
    waiting = start_weir("dags", "pause", "d")
    for one in idle:
        one.close()
    assert waiting.wait(30) == 0, waiting.stderr.read()
    scheduler.terminate()
    assert scheduler.wait(30) == 0


def test_a_home_with_too_long_a_name(weir, write_dag, tmp_path):
    long = tmp_path / ("x" * 240) / ("y" * 240)
    for words in (["dags", "list"], ["pools", "set", "api", "1"], ["scheduler"]):
        result = weir(*words, env={"WEIR_HOME": str(long)})
        assert result.returncode == 1 and len(result.stderr) < 250
        assert "WEIR_HOME has " in result.stderr and "at most 450: choose a shorter one" in result.stderr
    assert not long.parent.exists()
    fits = str(tmp_path / ("x" * 240)) + "/"
    fits += "z" * (450 - len(fits))
    write_dag("d", ONE_TASK)
    for words in (["run", tmp_path / "home/dags/d.yaml", "-r", "r"], ["tasks", "logs", "d", "a", "r"], ["db", "check"]):
        assert weir(*words, env={"WEIR_HOME": fits}).returncode == 0, words


class TestDatabaseFile:
    """What may be found where the database should be."""

    VERBS = (("dags", "list"), ("db", "check"), ("db", "migrate"), ("run", "d"))

    def test_a_pipe(self, weir, home):
        os.mkfifo(home / "weir.db")
        for words in self.VERBS:
            result = weir(*words, timeout=20)
            assert result.returncode == 1 and "is a pipe, not a database" in result.stderr, (words, result)

    def test_a_log_without_its_database(self, weir, home):
        (home / "weir.db-wal").write_bytes(bytes(4096))
        for words in self.VERBS:
            result = weir(*words)
            assert result.returncode == 1 and "put back the database it belongs to" in result.stderr, (words, result)

    def test_an_empty_one(self, weir, home, write_dag):
        write_dag("d", "tasks: {a: {command: 'true'}}\n")
        (home / "weir.db").touch()
        (home / "weir.db").chmod(0o600)
        result = weir("run", "d")
        assert result.returncode == 0 and "was empty, and a new database was made in it" in result.stderr, result
        assert "was empty" not in weir("run", "d").stderr


@pytest.mark.parametrize("value", ["", "not/absolute"])
def test_a_home_that_is_none(binary, value):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEIR_")}
    result = subprocess.run(
        [str(binary), "config", "get-value", "core", "dags_folder"],
        env={**environment, "HOME": value},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert result.returncode == 0 and result.stdout.startswith("/"), result
    assert result.stderr == ""


def test_a_state_that_is_none(weir, home, write_dag):
    """A row that somebody has changed by hand, past all checks of the schema."""
    write_dag("d", ONE_TASK)
    assert weir("run", "d", "--run-id", "r").returncode == 0
    database = sqlite3.connect(home / "weir.db", isolation_level=None)
    database.execute("PRAGMA ignore_check_constraints = ON")
    database.execute("UPDATE dag_run SET state = 'weird'")
    database.close()
    listed = weir("dags", "list-runs", "d")
    assert listed.returncode == 1 and 'damaged ("weird" is no state of a run)' in listed.stderr, listed
    assert "CRITICAL" not in listed.stderr
    assert "which is no state" in weir("db", "check").stdout
