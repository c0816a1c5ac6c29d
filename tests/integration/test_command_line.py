# SPDX-License-Identifier: MIT
"""The command line itself: help, wrong usage, settings, and cron expressions that need no home."""

import re
import signal

import pytest
from conftest import objects, verbs_of_help


class TestCommandLine:
    def test_version(self, weir):
        result = weir("version")
        assert re.fullmatch(r"\d+\.\d+\.\d+\n", result.stdout)
        assert result.returncode == 0 and result.stderr == ""
        assert weir("--version").stdout == result.stdout

    def test_help_of_everything(self, weir):
        overview = weir("--help")
        assert overview.returncode == 0
        verbs = verbs_of_help(weir)
        assert len(verbs) > 25
        for verb in verbs:
            result = weir(*verb.split(), "--help")
            assert result.returncode == 0 and result.stderr == ""
            assert f"usage: weir {verb}" in result.stdout
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
