# SPDX-License-Identifier: MIT
"""What the pages show is true: their DAG files are valid, their verbs exist."""
import json
import re

import pytest
from conftest import ROOT

PAGES = ["README.md", "dags/pinterest/README.md", "CONTRIBUTING.md",
         *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_dag_files_are_valid(page, weir, write_dag):
    shown = [block for block in blocks(page, "yaml") if not re.search(r"^core:", block, re.MULTILINE)]
    if page == "README.md":
        assert len(shown) >= 2
    for number, text in enumerate(shown):
        if not re.search(r"^tasks:", text, re.MULTILINE):
            text += "tasks: {a: {}}\n"  # a part of a DAG file
        result = weir("dags", "validate", write_dag(f"shown{number}", text))
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("page", PAGES)
def test_verbs_exist(page, weir):
    lines = "".join(block for language in ("sh", "console") for block in blocks(page, language)).splitlines()
    commands = [line.removeprefix("$ ").split("#")[0].split() for line in lines]
    for words in [words[1:] for words in commands if words and words[0] == "weir"]:
        verb = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)][:2]
        result = weir(*verb, "--help")
        if result.returncode != 0:
            result = weir(verb[0], "--help")
        assert result.returncode == 0, (words, result.stderr)


def test_the_example_of_the_front_page_runs(weir, write_dag):
    write_dag("orders", blocks("README.md", "yaml")[0])
    result = weir("run", "orders", "-p", "orders=5", "--logical-date", "2026-01-05")
    assert result.returncode == 0, result.stderr
    rows = weir("tasks", "states-for-dag-run", "orders", "2026-01-05", "-o", "plain").stdout
    states = {row.split()[2]: row.split()[3] for row in rows.splitlines()}
    assert states == {"extract": "success", "check": "success", "invoices": "success", "reminders": "success",
                      "report": "success", "alarm": "skipped"}
    assert "2026-01-05: 12 invoices\n" in weir("tasks", "logs", "orders", "report", "2026-01-05").stdout


def test_all_settings_are_there(weir):
    page = (ROOT / "docs/settings.md").read_text()
    for row in json.loads(weir("config", "list", "-o", "json").stdout):
        assert f"`{row['section']}.{row['key']}`" in page, row


def test_what_a_hook_gets(weir, write_dag, home):
    section = re.search(r"^## What it finds.*?^## ", (ROOT / "docs/hooks.md").read_text(), re.M | re.S).group(0)
    names = set(re.findall(r"`((?:WEIR|AIRFLOW_CTX)_(?!CONN_|VAR_)[A-Z_]*[A-Z])`", section))
    assert {"WEIR_HOOK", "WEIR_ERROR", "WEIR_FAILED_TASKS"} <= names
    write_dag("t", "on_success: [env]\ntasks: {a: {on_success: [env]}}\n")
    assert weir("run", "t").returncode == 0
    logs = [path.read_text() for path in (home / "logs").rglob("id=*.log")]
    assert len(logs) == 2
    for log in logs:
        assert [name for name in sorted(names) if not re.search(f"^{name}=", log, re.M)] == []


def test_what_a_task_gets_and_gives_back(weir, write_dag):
    section = re.search(r"^## What a task gets.*?^## ", (ROOT / "docs/dag-files.md").read_text(), re.M | re.S).group(0)
    names = set(re.findall(r"WEIR_(?!CONN_|VAR_)[A-Z]\w*", section))
    assert "WEIR_OUTPUT" in names
    write_dag("t", r"""
        tasks:
          load:
            command: |
              env
              echo 'files=[{"name": "a.csv"}]' >>"$WEIR_OUTPUT"
              echo '{"rows": 3}'
          use:
            depends_on: load
            command:
              - echo
              - "{{ ti.xcom_pull(task_ids='load') }}"
              - "{{ ti.xcom_pull(task_ids='load', key='files')[0].name }}"
              - "{{ ti.xcom_pull(task_ids='load', key='bad', default=0) }}"
        """)
    result = weir("run", "t", "--run-id", "r1", env={"WEIR__CORE__PARALLELISM": "3", "WEIR_CONN_DB": "secret"})
    assert result.returncode == 0, result.stdout
    log = weir("tasks", "logs", "t", "load", "r1").stdout
    assert [name for name in sorted(names) if not re.search(f"^{name}=", log, re.M)] == []
    assert "WEIR__" not in log and "secret" not in log
    assert '{"rows": 3} a.csv 0\n' in weir("tasks", "logs", "t", "use", "r1").stdout
