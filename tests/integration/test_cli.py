# SPDX-License-Identifier: MIT
"""Each verb with the real binary: output in each format, exit codes, suggestions."""

import json
import os
import re
import signal
import time

import pytest

ETL = """
    dag_id: etl
    description: An example
    owner: data-eng
    tags: [a]
    schedule: "0 2 * * *"
    timezone: Europe/London
    params:
      user: {type: string, default: joe}
    tasks:
      load:
        command: [/bin/echo, "hello {{ params.user }} {{ ds }}"]
      clean:
        depends_on: load
        command: "echo cleaning; test ! -e fail || exit 3"
      report:
        depends_on: clean
        command: "echo reported"
"""


@pytest.fixture
def etl(write_dag):
    return write_dag("etl", ETL)


def objects(result):
    """stdout as the array of objects it must be, and nothing else."""
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return rows


def states(weir, dag, run):
    return {row["task_id"]: row["state"] for row in objects(weir("tasks", "states-for-dag-run", dag, run, "-o", "json"))}


class TestCommandLine:
    def test_version(self, weir):
        result = weir("version")
        assert re.fullmatch(r"\d+\.\d+\.\d+\n", result.stdout)
        assert result.returncode == 0 and result.stderr == ""
        assert weir("--version").stdout == result.stdout

    def test_help_of_everything(self, weir):
        overview = weir("--help")
        assert overview.returncode == 0
        verbs = re.findall(r"^  ((?:[a-z-]+ )?[a-z-]+)(?= |$)", overview.stdout, re.M)
        verbs = [line.split()[:2] for line in overview.stdout.splitlines() if line.startswith("  ")]
        assert len(verbs) > 25
        for words in verbs:
            words = words if words[0] in ("dags", "tasks", "pools", "config", "schedule", "db", "jobs", "backfill") else words[:1]
            result = weir(*words, "--help")
            assert result.returncode == 0 and result.stderr == ""
            assert f"usage: weir {' '.join(words)}" in result.stdout
            assert "example:\n  weir " in result.stdout

    def test_no_verb_is_wrong_usage(self, weir):
        result = weir()
        assert result.returncode == 2 and result.stdout == "" and "usage: weir" in result.stderr

    @pytest.mark.parametrize(
        "words, said",
        [
            (["dagz"], "did you mean `weir dags`"),
            (["dags", "lst"], "did you mean `weir dags list`"),
            (["dags", "list", "--outptu", "json"], "did you mean --output"),
            (["dags", "list", "-o", "xml"], "none of table, json, yaml and plain"),
            (["dags", "state", "etl"], "RUN is missing"),
            (["dags", "list", "more"], "too many arguments"),
            (["dags", "list-runs", "etl", "--limit", "x"], "whole number"),
            (["dags", "list-runs", "etl", "--state", "sucess"], "success"),
            (["dags", "clear", "etl"], "--run-id is missing"),
            (["dags", "mark", "etl", "r"], "--state is missing"),
            (["dags", "trigger", "etl", "-p", "novalue"], "KEY=VALUE"),
            (["dags", "trigger", "etl", "-c", "[1]"], "JSON object"),
            (["dags", "trigger", "etl", "-c", "{"], "not JSON"),
            (["dags", "trigger", "etl", "-r", "../x"], "not a run id"),
            (["pools", "set", "p", "many"], "whole number"),
            (["webserver"], "weir run"),
            (["dags", "backfill", "etl"], "backfill create"),
            (["users", "create"], "login"),
            (["tasks", "run", "a", "b", "c"], "weir run DAG"),
            (["list_dags"], "weir dags list"),
            (["help", "run"], "weir VERB --help"),
            (["dags", "trigger", "etl", "-e", "2026-01-01"], "--logical-date"),
        ],
    )
    def test_wrong_usage(self, weir, etl, words, said):
        result = weir(*words)
        assert result.returncode == 2, result.stderr
        assert said in result.stderr and "usage: weir" in result.stderr
        assert result.stdout == ""

    @pytest.mark.parametrize("words", [("-o", "json", "dags", "list"), ("dags", "-o", "json", "list"),
                                       ("dags", "list", "--output=json"), ("dags", "list", "-ojson")])
    def test_options_in_any_position(self, weir, etl, words):
        assert [row["dag_id"] for row in objects(weir(*words))] == ["etl"]

    def test_reader_that_leaves_is_no_error(self, start_weir, etl):
        process = start_weir("schedule", "next", "* * * * *", "--count", "200000")
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) in (-signal.SIGPIPE, 0)
        assert process.stderr.read() == ""

    def test_full_disk_is_an_error(self, start_weir):
        with open("/dev/full", "w") as full:
            process = start_weir("version", stdout=full)
            assert process.wait(30) == 1
        assert "standard output" in process.stderr.read()


class TestSettings:
    def test_defaults(self, weir, home):
        assert weir("config", "get-value", "core", "parallelism").stdout == "32\n"
        assert weir("config", "get-value", "core", "dags_folder").stdout == f"{home}/dags\n"
        assert all(row["source"] == "default" for row in objects(weir("config", "list", "-o", "json")))

    def test_file_and_environment(self, weir, home):
        (home / "weir.yaml").write_text("core:\n  parallelism: 5\n  dags_folder: elsewhere\nweb:\nscheduler: {}\n")
        rows = {row["key"]: row for row in objects(weir("config", "list", "-o", "json"))}
        assert rows["parallelism"]["value"] == "5"
        assert rows["parallelism"]["source"] == f"{home}/weir.yaml:2:16"
        assert rows["dags_folder"]["value"] == f"{home}/elsewhere"
        result = weir("config", "get-value", "core", "parallelism", env={"WEIR__CORE__PARALLELISM": "7"})
        assert result.stdout == "7\n"

    @pytest.mark.parametrize(
        "text, said",
        [
            ("core:\n  paralelism: 3\n", 'weir.yaml:2:3: error: unknown setting "paralelism" in section "core"; '
                                         'did you mean "parallelism"?'),
            ("cor: {}\n", 'weir.yaml:1:1: error: unknown section "cor"; did you mean "core"?'),
            ("core: {parallelism: zero}\n", "weir.yaml:1:21: error: "),
            ("core: {parallelism: 0}\n", "from 1 to"),
            ("core: {default_timezone: Europe/Londn}\n", "Europe/London"),
            ("core: {dags_are_paused_at_creation: perhaps}\n", "true or false"),
            ("core: [1]\n", "must be a mapping"),
            ("- core\n", "must be a mapping of sections"),
            ("core: {parallelism: [1]}\n", "must be one value"),
        ],
    )
    def test_wrong_file(self, weir, home, text, said):
        (home / "weir.yaml").write_text(text)
        result = weir("config", "list")
        assert result.returncode == 1 and result.stdout == ""
        assert said in result.stderr

    def test_wrong_environment(self, weir):
        result = weir("config", "list", env={"WEIR__CORE__PARALELISM": "3"})
        assert result.returncode == 1 and "did you mean WEIR__CORE__PARALLELISM?" in result.stderr
        result = weir("config", "list", env={"WEIR__CORE__PARALLELISM": "many"})
        assert result.returncode == 1 and "WEIR__CORE__PARALLELISM: " in result.stderr

    def test_unknown_names(self, weir):
        result = weir("config", "get-value", "core", "paralelism")
        assert result.returncode == 1 and 'did you mean "parallelism"' in result.stderr
        result = weir("config", "get-value", "coer", "parallelism")
        assert result.returncode == 1 and 'did you mean "core"' in result.stderr


class TestSchedule:
    def test_next(self, weir, home):
        result = weir("schedule", "next", "30 1 * * *", "--timezone", "Europe/London", "--from", "2026-03-27T12:00:00Z",
                      "--count", "3")
        assert result.stdout == "2026-03-28T01:30:00Z\n2026-03-29T01:00:00Z\n2026-03-30T00:30:00Z\n"
        assert result.returncode == 0
        result = weir("schedule", "next", "30 1 * * *", "--timezone", "Europe/London", "--from", "2026-03-28T12:00:00Z",
                      "-v")
        assert result.stdout == "2026-03-29T01:00:00Z  2026-03-29T02:00:00+01:00\n"
        assert sorted(path.name for path in home.iterdir()) == ["dags"]

    def test_plain(self, weir):
        result = weir("schedule", "next", "0 6 * * *", "--timezone", "America/New_York", "--from", "2026-07-01", "-o", "plain")
        assert result.stdout == "2026-07-01T10:00:00Z\n"

    def test_json(self, weir):
        rows = objects(weir("schedule", "next", "@daily", "--from", "2026-01-01", "-o", "json", "-n", "2"))
        assert rows == [{"run_after": "2026-01-02T00:00:00Z"}, {"run_after": "2026-01-03T00:00:00Z"}]

    def test_errors(self, weir):
        assert weir("schedule", "next", "61 * * * *").returncode == 1
        assert "Europe/London" in weir("schedule", "next", "@daily", "--timezone", "Europe/Londn").stderr
        assert weir("schedule", "next", "@daily", "--from", "yesterday").returncode == 1


class TestDagFiles:
    def test_list(self, weir, etl, write_dag):
        write_dag("broken", "tasks: {a: {comand: x}}\n")
        result = weir("dags", "list", "-o", "json")
        (row,) = objects(result)
        assert row["dag_id"] == "etl" and row["is_paused"] is False and row["owners"] == ["data-eng"]
        assert row["fileloc"] == str(etl) and row["timetable_summary"] == "0 2 * * *"
        assert row["last_run_state"] is None
        assert "1 file could not be loaded" in result.stderr
        table = weir("dags", "list").stdout.splitlines()
        assert re.match(r"dag_id +\| owners", table[0]) and re.fullmatch(r"[=+]+", table[1])
        plain = weir("dags", "list", "-o", "plain").stdout
        assert plain.startswith("etl  data-eng  False") and len(plain.splitlines()) == 1
        assert "dag_id: etl\n" in weir("dags", "list", "-o", "yaml").stdout

    def test_list_nothing(self, weir):
        result = weir("dags", "list", "-o", "json")
        assert objects(result) == []
        assert weir("dags", "list").stdout == ""

    def test_import_errors(self, weir, etl, write_dag):
        assert weir("dags", "list-import-errors").returncode == 0
        path = write_dag("broken", "tasks: {a: {comand: x}}\n")
        result = weir("dags", "list-import-errors", "-o", "json")
        assert result.returncode == 1
        (row,) = json.loads(result.stdout)
        assert row["filename"] == str(path) and 'did you mean "command"' in row["stack_trace"]

    def test_validate(self, weir, etl, write_dag, tmp_path):
        result = weir("dags", "validate")
        assert result.returncode == 0 and result.stdout == "1 file, no errors\n"
        result = weir("dags", "validate", "-v", etl)
        assert result.returncode == 0 and "next 20" in result.stdout
        bad = tmp_path / "bad.yaml"
        bad.write_text("tasks:\n  a: {comand: x}\n  b: {depends_on: c}\n")
        result = weir("dags", "validate", "bad.yaml", etl)
        assert result.returncode == 1
        lines = result.stdout.splitlines()
        assert lines[0].startswith("bad.yaml:2:7: error: ") and 'did you mean "command"?' in lines[0]
        assert lines[1].startswith("bad.yaml:3:")
        assert lines[-1] == "2 files, 2 errors in 1 of them"
        result = weir("dags", "validate", "bad.yaml", "-o", "json")
        assert result.returncode == 1
        assert json.loads(result.stdout)[0]["line"] == 2
        assert weir("dags", "validate", "nowhere.yaml").returncode == 1

    def test_validate_without_a_folder(self, weir, home):
        (home / "dags").rmdir()
        result = weir("dags", "validate")
        assert result.returncode == 1 and f"there is no DAG folder {home}/dags" in result.stderr

    def test_validate_same_id_twice(self, weir, etl, tmp_path):
        other = tmp_path / "other.yaml"
        other.write_text("dag_id: etl\ntasks: {a: {}}\n")
        result = weir("dags", "validate", etl, other)
        assert result.returncode == 1 and str(etl) in result.stdout

    def test_show(self, weir, etl):
        result = weir("dags", "show", "etl")
        assert result.stdout == ("etl: schedule 0 2 * * * (Europe/London), 3 tasks\n"
                                 "load  command\n→ clean  command\n→ report  command\n")
        ascii_only = weir("dags", "show", "etl", env={"LC_ALL": "C"}).stdout
        assert ascii_only.isascii() and "> clean" in ascii_only
        rows = objects(weir("dags", "show", "etl", "-o", "json"))
        assert rows[1]["upstream_task_ids"] == ["load"]

    def test_details(self, weir, etl):
        (row,) = objects(weir("dags", "details", "etl", "-o", "json"))
        assert row["description"] == "An example" and row["timezone"] == "Europe/London"
        assert row["params"]["user"]["value"] == "joe"
        assert weir("dags", "details", "etl").stdout.startswith("property_name")

    def test_tasks_list(self, weir, etl):
        assert weir("tasks", "list", "etl").stdout == "load\nclean\nreport\n"
        assert objects(weir("tasks", "list", "etl", "-o", "json"))[0]["task_id"] == "load"

    def test_unknown_and_broken_dags(self, weir, etl, write_dag):
        for words in (["dags", "show", "elt"], ["dags", "list-runs", "elt"], ["dags", "trigger", "elt"],
                      ["dags", "pause", "elt"], ["tasks", "list", "elt"], ["run", "elt"]):
            result = weir(*words)
            assert result.returncode == 1 and result.stdout == ""
            assert 'did you mean "etl"?' in result.stderr, words
        write_dag("broken", "tasks: {a: {comand: x}}\n")
        result = weir("dags", "show", "broken")
        assert result.returncode == 1 and "broken.yaml:1:13: error:" in result.stderr

    def test_control_characters_are_escaped(self, weir, write_dag):
        write_dag("evil", 'description: "x\\e[2Jy"\ntasks: {a: {}}\n')
        assert "\x1b" not in weir("dags", "details", "evil").stdout
        assert "\\x1b[2J" in weir("dags", "details", "evil").stdout


class TestPools:
    def test_life(self, weir):
        assert [row["name"] for row in objects(weir("pools", "list", "-o", "json"))] == ["default_pool"]
        (row,) = objects(weir("pools", "set", "api", "4", "for calls", "-o", "json"))
        assert (row["name"], row["slots"], row["description"]) == ("api", 4, "for calls")
        weir("pools", "set", "api", "-1")
        assert objects(weir("pools", "get", "api", "-o", "json"))[0]["slots"] == -1
        assert 'did you mean "api"' in weir("pools", "get", "apy").stderr
        assert weir("pools", "delete", "api").returncode == 0
        assert weir("pools", "get", "api").returncode == 1
        assert weir("pools", "delete", "api").returncode == 1


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
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "slow") == "running", what="running")
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
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "deaf") == "running", what="running")
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
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "slow") == "running", what="running")
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
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "slow") == "running", what="running")
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
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "slow") == "running", what="running")
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
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "one") == "running", what="running")
        second = start_weir("run", "two", "--run-id", "r2")
        wait_for(lambda: states_or_none(weir, "two", "r2") == "running", what="running")
        first.kill()
        first.wait()
        gate.touch()
        out, err = second.communicate(timeout=60)
        assert second.returncode == 0, err
        assert "going on without it" in err
        assert states(weir, "two", "r2") == {"a": "success", "b": "success"}
        result = weir("run", "one", "--run-id", "r1")
        assert result.returncode == 0, result.stderr


def states_or_none(weir, dag, run="r1"):
    """The state of the run's first task; None if there is no such run yet."""
    result = weir("tasks", "states-for-dag-run", dag, run, "-o", "json")
    return json.loads(result.stdout)[0]["state"] if result.returncode == 0 else None


class TestWriteOffline:
    def test_trigger_then_run(self, weir, etl):
        result = weir("dags", "trigger", "etl", "-r", "r1", "-l", "2026-01-02", "-c", '{"user": "eve"}', "-o", "json")
        (row,) = objects(result)
        assert (row["dag_run_id"], row["state"], row["run_type"]) == ("r1", "queued", "manual")
        assert result.stderr != ""  # it takes effect at the next start
        assert weir("dags", "trigger", "etl", "-r", "r1").returncode == 1
        assert weir("run", "etl", "--run-id", "r1").returncode == 0
        assert "hello eve 2026-01-02" in weir("tasks", "logs", "etl", "load", "2026-01-02").stdout

    def test_pause(self, weir, etl):
        assert weir("dags", "pause", "etl").returncode == 0
        assert objects(weir("dags", "list", "-o", "json"))[0]["is_paused"] is True
        assert objects(weir("dags", "unpause", "etl", "-o", "json")) == [{"dag_id": "etl", "is_paused": False}]

    def test_mark_and_cancel(self, weir, etl):
        weir("dags", "trigger", "etl", "-r", "r1")
        rows = objects(weir("tasks", "mark", "etl", "r1", "load", "--state", "success", "-o", "json"))
        assert [row["task_id"] for row in rows] == ["load"]
        assert states(weir, "etl", "r1")["load"] == "success"
        assert weir("dags", "mark", "etl", "r1", "--state", "failed").returncode == 0
        assert weir("dags", "state", "etl", "r1").stdout == "failed\n"
        assert weir("tasks", "mark", "etl", "r1", "lod", "--state", "success").returncode == 1
        weir("dags", "trigger", "etl", "-r", "r2")
        assert weir("dags", "cancel", "etl", "r2").returncode == 0
        assert weir("dags", "state", "etl", "r2").stdout == "failed\n"

    def test_tasks_clear(self, weir, etl):
        assert weir("run", "etl", "--run-id", "r1").returncode == 0
        result = weir("tasks", "clear", "etl", "-t", "^clean$", "--run-id", "r1", "-d", "-o", "json")
        assert {row["task_id"] for row in objects(result)} == {"clean", "report"}
        assert states(weir, "etl", "r1") == {"load": "success", "clean": None, "report": None}
        assert weir("tasks", "state", "etl", "clean", "r1").stdout == "None\n"
        assert weir("tasks", "logs", "etl", "clean", "r1").returncode == 0

    def test_unknown_runs_and_tasks(self, weir, etl):
        result = weir("dags", "state", "etl", "r1")
        assert result.returncode == 1 and "has never run" in result.stderr
        weir("dags", "trigger", "etl", "-r", "nightly-01")
        assert 'did you mean "nightly-01"' in weir("dags", "state", "etl", "nightly-02").stderr
        assert 'did you mean "load"' in weir("tasks", "state", "etl", "laod", "nightly-01").stderr
        result = weir("tasks", "logs", "etl", "load", "nightly-01")
        assert result.returncode == 1 and "was not tried" in result.stderr

    def test_list_runs_filters(self, weir, etl):
        for day in ("01", "02", "03"):
            weir("dags", "trigger", "etl", "-r", f"r{day}", "-l", f"2026-01-{day}")
        weir("dags", "mark", "etl", "r02", "--state", "failed")

        def ids(*words):
            return [row["run_id"] for row in objects(weir("dags", "list-runs", "etl", "-o", "json", *words))]

        assert ids() == ["r03", "r02", "r01"]
        assert ids("--state", "failed") == ["r02"]
        assert ids("--limit", "1") == ["r03"]
        assert ids("--start-date", "2199-01-01") == []


class TestLogs:
    def test_follow(self, weir, start_weir, write_dag, wait_for, home, tmp_path):
        gate = tmp_path / "gate"
        write_dag("slow", f"""
            tasks:
              a:
                command: "echo one; until test -e {gate}; do sleep 0.05; done; echo two; test $WEIR_TRY_NUMBER = 2"
                retries: 1
                retry_delay: 0.2s
        """)
        run = start_weir("run", "slow", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "slow") == "running", what="running")
        follow = start_weir("tasks", "logs", "-f", "slow", "a", "r1")
        seen = []
        while "one\n" not in seen:
            seen.append(follow.stdout.readline())
        gate.touch()
        out, err = follow.communicate(timeout=60)
        text = "".join(seen) + out
        assert text.count("one\n") == 2 and text.count("two\n") == 2, text
        assert follow.returncode == 0 and "a: try 2: success" in err
        assert run.wait(60) == 0

    def test_follow_idles_without_waking(self, weir, start_weir, write_dag, wait_for, home, tmp_path):
        gate = tmp_path / "gate"
        write_dag("slow", f"tasks: {{a: {{command: 'until test -e {gate}; do sleep 0.05; done'}}}}\n")
        run = start_weir("run", "slow", "--run-id", "r1")
        wait_for(lambda: (home / "weir.db").exists() and states_or_none(weir, "slow") == "running", what="running")
        follow = start_weir("tasks", "logs", "-f", "slow", "a", "r1")
        follow.stdout.readline()
        time.sleep(0.3)

        def switches():
            status = open(f"/proc/{follow.pid}/status").read()
            return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.M).group(1))

        before = switches()
        time.sleep(1)
        assert switches() - before < 8
        gate.touch()
        assert follow.wait(60) == 0 and run.wait(60) == 0


class TestTerminal:
    """The live view, on a pseudo-terminal."""

    def run_on_terminal(self, binary, home, words, size=(24, 80), act=None):
        import fcntl
        import pty
        import struct
        import subprocess
        import termios

        from conftest import clean_environment

        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        process = subprocess.Popen([str(binary), *words], env=clean_environment(home), stdin=slave, stderr=slave,
                                   stdout=subprocess.PIPE, start_new_session=True)
        os.close(slave)
        seen = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
            if act is not None:
                act(process, seen)
        os.close(master)
        out = process.stdout.read().decode()
        process.stdout.close()
        return process.wait(60), out, seen.decode()

    def test_live_view(self, binary, home, etl):
        code, out, seen = self.run_on_terminal(binary, home, ["run", "etl", "--run-id", "r1"])
        assert code == 0 and "r1 of etl: success" in out
        assert "\x1b[?25l" in seen and seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
        last = seen[seen.rindex("\x1b[?25l"):]
        assert "✔" in last and "report" in last

    def test_interrupt(self, binary, home, write_dag):
        write_dag("slow", "tasks: {a: {command: sleep 60}}\n")
        done = []

        def act(process, seen):
            if not done and b"running" in seen.rpartition(b"slow")[2]:
                done.append(True)
                process.send_signal(signal.SIGINT)

        code, out, seen = self.run_on_terminal(binary, home, ["run", "slow", "--run-id", "r1"], act=act)
        assert code == 130 and "slow: failed" in out
        assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")

    def test_narrow(self, binary, home, etl):
        code, out, seen = self.run_on_terminal(binary, home, ["run", "etl", "--run-id", "r1"], size=(8, 20))
        assert code == 0
        for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)):
            assert len(line) <= 20, line
