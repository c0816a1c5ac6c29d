# SPDX-License-Identifier: MIT
"""Verbs that change something while nothing else runs."""

import json
import os
import pwd

import pytest
from conftest import objects, states


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

    @pytest.mark.parametrize(
        "words, said",
        [
            (["-p", "n=44"], 'param "n" is 44: it must be at most 9'),
            (["-p", "n=abc"], 'param "n" is "abc": it must be of type integer, not text'),
            (["-c", '{"n": [1]}'], 'param "n" is [1]: it must be of type integer, not a list'),
            (["-p", "mode=slw"], 'param "mode" is "slw": it must be one of ["fast","slow"]'),
            (["-p", "mod=slow"], 'the DAG has no param "mod"; did you mean "mode"?'),
            (["-c", '{"zz": 1}'], 'the DAG has no param "zz"; it declares n, mode'),
        ],
    )
    def test_params_are_checked(self, weir, write_dag, words, said):
        write_dag("t", """
            params: {n: {type: integer, maximum: 9, default: 3}, mode: {enum: [fast, slow], default: fast}}
            schedule: "@daily"
            tasks: {a: {command: "true"}}
            """)
        conf = words[1] if words[0] == "-c" else None
        for verb in (["dags", "trigger", "t"], ["run", "t"]):
            result = weir(*verb, *words)
            assert result.returncode == 1 and said in result.stderr and result.stdout == ""
        if conf is None:
            result = weir("tasks", "test", "t", "a", *words)
        else:
            result = weir("backfill", "create", "--dag-id", "t", "--from-date", "2025-01-01", "--to-date", "2025-01-03",
                          "--dag-run-conf", conf)
        assert result.returncode == 1 and said in result.stderr
        assert objects(weir("dags", "list-runs", "t", "-o", "json")) == []

    def test_a_run_is_named_by_as_much_of_its_date_as_is_needed(self, weir, etl):
        weir("dags", "trigger", "etl", "-r", "early", "-l", "2026-01-05T02:00:07.5Z")
        weir("dags", "trigger", "etl", "-r", "late", "-l", "2026-01-05T03:00")
        weir("dags", "trigger", "etl", "-r", "alone", "-l", "2026-01-06T02:00")
        weir("dags", "cancel", "etl", "2026-01-06")
        for word in ("2026-01-06", "2026-01-06T02:00", "2026-01-06 02:00:00+00:00", "2026-01-06T02:00:00Z"):
            assert weir("dags", "state", "etl", word).stdout == "failed\n", word
        for word in ("2026-01-05T02:00", "2026-01-05T02:00:07", "2026-01-05T02:00:07.500Z"):
            assert weir("dags", "state", "etl", word).stdout == "queued\n", word
        result = weir("dags", "state", "etl", "2026-01-05")
        assert result.returncode == 1 and "more than one run" in result.stderr and "early, late" in result.stderr
        assert weir("dags", "state", "etl", "2026-01-05T02:01").returncode == 1

    def test_what_a_mark_cut_off_is_run_again_with_what_failed(self, weir, etl):
        weir("dags", "trigger", "etl", "-r", "r1")
        weir("tasks", "mark", "etl", "r1", "clean", "--state", "skipped")  # his own skip stays
        weir("dags", "mark", "etl", "r1", "--state", "failed")
        assert states(weir, "etl", "r1") == dict.fromkeys(("load", "clean", "report"), "skipped")
        cleared = objects(weir("dags", "clear", "etl", "--run-id", "r1", "--only-failed", "-o", "json"))
        assert {row["task_id"] for row in cleared} == {"load", "report"}

    def test_fixed_file_with_a_new_param(self, weir, write_dag):
        write_dag("t", "params: {n: 1}\ntasks: {a: {command: 'echo n={{ params.n }}; exit 3'}}")
        assert weir("run", "t", "-r", "r1", "-p", "n=5").returncode == 1
        write_dag("t", "params: {n: 1, m: 7}\ntasks: {a: {command: 'echo n={{ params.n }} m={{ params.m }}'}}")
        assert weir("dags", "clear", "t", "--run-id", "r1", "--only-failed").returncode == 0
        assert weir("run", "t", "-r", "r1").returncode == 0
        assert "n=5 m=7\n" in weir("tasks", "logs", "t", "a", "r1").stdout
        write_dag("t", "params: {n: {type: integer, maximum: 3, default: 1}}\ntasks: {a: {command: 'true'}}")
        result = weir("dags", "clear", "t", "--run-id", "r1")
        assert result.returncode == 1 and states(weir, "t", "r1") == {"a": "success"}
        assert 'run "r1" does not fit the DAG as it is now: param "n" is 5: it must be at most 3' in result.stderr
        assert weir("dags", "clear", "t", "--run-id", "r1", "--no-run-on-latest-version").returncode == 0


class TestAudit:
    def rows(self, weir, *words):
        return [(row["owner"], row["event"], row["dag_id"], row["run_id"], row["task_id"])
                for row in objects(weir("audit", "list", "-o", "json", *words))]

    def test_who_did_what(self, weir, etl, start_weir, wait_for):
        me = pwd.getpwuid(os.getuid()).pw_name
        weir("dags", "trigger", "etl", "-r", "r1", "-c", '{"user": "eve"}', env={"LOGNAME": "mallory", "USER": "mallory"})
        weir("tasks", "mark", "etl", "r1", "load", "--state", "success")
        assert weir("dags", "trigger", "etl", "-r", "r1").returncode == 1  # refused: no row
        expected = [(me, "patch_task_instance", "etl", "r1", "load"), (me, "trigger_dag_run", "etl", "r1", None)]
        assert self.rows(weir) == expected
        scheduler = start_weir("scheduler")
        wait_for(lambda: weir("jobs", "check").returncode == 0, what="the scheduler")
        weir("dags", "pause", "etl", env={"LOGNAME": "mallory"})
        expected.insert(0, (me, "paused", "etl", None, None))
        assert self.rows(weir) == expected
        scheduler.terminate()
        assert scheduler.wait(30) == 0
        trigger = objects(weir("audit", "list", "--event", "trigger_dag_run", "-o", "json"))[0]
        assert json.loads(trigger["extra"]) == {"conf": {"user": "eve"}, "via": "cli"}

    def test_filters(self, weir, etl):
        weir("dags", "trigger", "etl", "-r", "r1")
        weir("pools", "set", "api", "3")
        assert len(self.rows(weir)) == 2 and len(self.rows(weir, "--limit", "1")) == 1
        assert [row[1] for row in self.rows(weir, "--dag-id", "etl", "--run-id", "r1")] == ["trigger_dag_run"]
        assert self.rows(weir, "--owner", "nobody else") == self.rows(weir, "--end-date", "2020-01-01") == []
        assert 'did you mean "etl"?' in weir("audit", "list", "--dag-id", "elt").stderr
