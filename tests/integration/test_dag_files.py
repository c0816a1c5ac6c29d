# SPDX-License-Identifier: MIT
"""Verbs that read the DAG folder."""

import json
import re

from conftest import objects


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

    def test_a_copy_takes_no_dag_id_over(self, weir, write_dag):
        """Also not one that comes first by name, and that is there when the next process looks."""
        path = write_dag("three", "dag_id: x\ntasks: {a: {command: echo original}}\n")
        assert weir("run", "x", "--run-id", "r1").returncode == 0
        copy = write_dag("copy", "dag_id: x\ntasks: {a: {command: echo copied}}\n")
        (row,) = objects(weir("dags", "list", "-o", "json"))
        assert row["fileloc"] == str(path)
        (error,) = json.loads(weir("dags", "list-import-errors", "-o", "json").stdout)
        assert error["filename"] == str(copy) and 'the dag_id "x" belongs to three.yaml already' in error["stack_trace"]
        assert weir("run", "x", "--run-id", "r2").returncode == 0
        assert "original" in weir("tasks", "logs", "x", "a", "r2").stdout

    def test_import_errors_have_a_row_each(self, weir, write_dag):
        path = write_dag("broken", "retries: 1\ntasks:\n  a: {comand: x}\n")
        table = weir("dags", "list-import-errors").stdout.splitlines()
        assert [re.sub(" +", " ", row).split(" error: ")[0] for row in table[2:]] == [f"{path} | 1:1:", f"{path} | 3:7:"]

    def test_a_broken_file_hides_no_dag_that_goes_on(self, weir, etl, write_dag):
        assert weir("run", "etl").returncode == 0
        etl.write_text("tasks: {a: [}\n")
        result = weir("dags", "list", "-o", "json")
        (row,) = json.loads(result.stdout)
        assert row["dag_id"] == "etl" and row["has_import_errors"] and row["last_run_state"] == "success"
        assert "the last good version goes on" in result.stderr
        write_dag("moved", "dag_id: etl\ntasks: {b: {}}\n")
        (row,) = json.loads(weir("dags", "list", "-o", "json").stdout)
        assert row["relative_fileloc"] == "moved.yaml" and not row["has_import_errors"]

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

    def test_details_have_two_columns(self, weir, write_dag):
        write_dag("t", """
            description: ""
            doc_md: "one\\n\\ntwo\\n"
            params: {user: {type: string, default: joe, description: who it is for}, n: 3}
            tasks: {a: {}}
            """)
        lines = [[cell.strip() for cell in line.split("|")] for line in weir("dags", "details", "t").stdout.splitlines()]
        assert all(len(line) == 2 for line in lines if "=" not in line[0])
        for row in (["description", ""], ["params.user", "joe (string: who it is for)"], ["params.n", "3"]):
            assert row in lines
        begin = lines.index(["doc_md", "one"])
        assert lines[begin:] == [["doc_md", "one"], ["", ""], ["", "two"]]

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
