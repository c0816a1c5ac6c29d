# SPDX-License-Identifier: MIT
"""Each verb that `weir --help` names, with and without a scheduler. A verb without a case here fails."""

import json
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass

import pytest
from conftest import ETL, ROOT, clean_environment, verbs_of_help

GATED = "tasks: {a: {command: 'until test -e gate; do sleep 0.05; done'}}\n"


@dataclass
class Case:
    words: str = ""  # what follows the verb, so that it works in the home that `prepare` makes
    before: tuple = ()  # what to type before
    fresh: int = 1  # its exit status where no home is yet
    offline: int = 0  # while nothing runs
    is_text: bool = False  # prints what a task prints, whatever the form
    touches_home: bool = True


# In this order, in one home.
CASES = {
    "run": Case("etl --run-id w1"),
    "version": Case(fresh=0, touches_home=False),
    "info": Case(fresh=0),
    "dags list": Case(fresh=0),
    "dags details": Case("etl"),
    "dags show": Case("etl"),
    "dags validate": Case(),
    "dags trigger": Case("etl -r t1"),
    "dags pause": Case("etl"),
    "dags unpause": Case("etl"),
    "dags next-execution": Case("etl"),
    "dags list-runs": Case("etl"),
    "dags list-import-errors": Case(fresh=0),
    "dags list-hooks": Case("etl"),
    "dags state": Case("etl r1"),
    "dags clear": Case("etl --run-id r2 -y"),
    "dags cancel": Case("gated c1", before=("dags trigger gated -r c1",)),
    "dags mark": Case("gated c2 --state failed", before=("dags trigger gated -r c2",)),
    "dags delete": Case("old -y"),
    "tasks list": Case("etl"),
    "tasks state": Case("etl load r1"),
    "tasks states-for-dag-run": Case("etl r1"),
    "tasks logs": Case("etl load r1", is_text=True),
    "tasks explain": Case("etl load r1"),
    "tasks render": Case("etl load r1"),
    "tasks test": Case("etl load", is_text=True),
    "tasks clear": Case("etl -t load --run-id r3 -y"),
    "tasks mark": Case("etl r1 load --state failed"),
    "backfill create": Case("--dag-id etl --from-date 2025-01-01 --to-date 2025-01-02"),
    "backfill list": Case(fresh=0),
    "backfill pause": Case("2", before=("backfill create --dag-id hold --from-date 2025-01-01 --to-date 2025-01-02",)),
    "backfill unpause": Case("2"),
    "backfill cancel": Case("2"),
    "pools list": Case(fresh=0),
    "pools set": Case("api 4", fresh=0),
    "pools get": Case("api"),
    "pools delete": Case("api"),
    "schedule next": Case("@daily", fresh=0, touches_home=False),
    "db check": Case(),
    "db migrate": Case(fresh=0),
    "db backup": Case("COPY"),
    "db clean": Case("--clean-before-timestamp 2020-01-01 -y"),
    "jobs check": Case(offline=1),
    "audit list": Case(fresh=0),
    "config list": Case(fresh=0),
    "config get-value": Case("core parallelism", fresh=0),
}
SERVICES = ["standalone", "scheduler"]  # test_scheduler.py runs them
WRITES = ["run", "db migrate"] + [verb for verb in CASES if re.search("trigger|pause|cancel|mark|clear|delete|set|create", verb)]
NAMES_A_DAG = [verb for verb, case in CASES.items() if case.words.startswith(("etl", "gated", "--dag-id etl", "old"))]


def test_every_verb_has_a_case(weir):
    assert sorted(verbs_of_help(weir)) == sorted([*CASES, *SERVICES])


def words_of(verb, tmp_path):
    return [*verb.split(), *CASES[verb].words.replace("COPY", str(tmp_path / "copy.db")).split()]


def problems_of(result, verb, code, form):
    """What is wrong with how a verb ended; nothing if all is well."""
    said = f"{verb} -o {form}: {result.returncode}\n{result.stdout[-500:]}\n{result.stderr[-500:]}"
    if result.returncode != code:
        yield said
    elif "\x1b" in result.stdout + result.stderr or "CRITICAL" in result.stderr:
        yield said
    elif result.returncode != 0 and not result.stderr:
        yield f"does not say why: {said}"
    elif form == "json" and not CASES[verb].is_text and (result.stdout or code == 0):
        try:
            rows = json.loads(result.stdout)
        except ValueError:
            rows = None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            yield f"prints no array of objects: {said}"


@pytest.fixture
def prepare(weir, write_dag):
    write_dag("etl", ETL)
    write_dag("gated", GATED)
    write_dag("hold", "schedule: '@daily'\n" + GATED)
    write_dag("old", "tasks: {a: {command: 'true'}}")
    for dag, run in (("etl", "r1"), ("etl", "r2"), ("etl", "r3"), ("old", "r1")):
        assert weir("run", dag, "--run-id", run).returncode == 0


@pytest.mark.parametrize("state", ["offline", "scheduler", "standby"])
def test_each_verb(state, prepare, weir, start_weir, wait_for, tmp_path, home):
    services = []
    if state != "offline":
        services.append(start_weir("scheduler", stderr=subprocess.DEVNULL))
        wait_for(lambda: weir("jobs", "check").returncode == 0, what="the scheduler")
    if state == "standby":
        services.append(start_weir("scheduler"))
        while " standby: " not in (line := services[1].stderr.readline()):
            assert line
    problems = []
    for verb, case in CASES.items():
        for words in case.before:
            assert weir(*words.split()).returncode == 0, words
        result = weir(*words_of(verb, tmp_path), "-o", "json")
        problems += problems_of(result, verb, case.offline if state == "offline" else 0, "json")
    assert not problems, "\n\n".join(problems)
    (home / "dags" / "gate").touch()  # what was left running by a canceled backfill may end
    running = ("dags", "list-runs", "hold", "--state", "running", "-o", "json")
    wait_for(lambda: not services or json.loads(weir(*running).stdout) == [], what="the end of what runs")
    for service in reversed(services):
        service.terminate()
        assert service.wait(30) == 0
    assert weir("db", "check").returncode == 0


@pytest.mark.parametrize("form", ["table", "yaml", "plain"])
def test_each_form(form, prepare, weir, tmp_path):
    problems = []
    for verb, case in CASES.items():
        for words in case.before:
            weir(*words.split())
        result = weir(*words_of(verb, tmp_path), "-o", form)
        problems += problems_of(result, verb, case.offline, form)
    assert not problems, "\n\n".join(problems)


def test_no_home_yet(weir, home, tmp_path):
    """What cannot be done says why, and what only reads makes nothing."""
    shutil.rmtree(home)
    problems = []
    for verb, case in CASES.items():
        code = case.fresh if case.offline == 0 else case.offline
        problems += problems_of(weir(*words_of(verb, tmp_path), "-o", "json"), verb, code, "json")
        if home.exists() and verb not in WRITES:
            problems.append(f"{verb} made {list(home.iterdir())}")
        shutil.rmtree(home, ignore_errors=True)
    assert not problems, "\n\n".join(problems)


def test_settings_that_cannot_be_read(weir, home, prepare, tmp_path):
    (home / "weir.yaml").write_text("core:\n  paralelism: 3\n")
    problems = []
    for verb in [*CASES, *SERVICES]:
        case = CASES.get(verb, Case())
        if not case.touches_home:
            continue
        result = weir(*(words_of(verb, tmp_path) if verb in CASES else [verb]))
        if result.returncode != 1 or result.stdout or 'weir.yaml:2:3: error: unknown setting "paralelism"' not in result.stderr:
            problems.append(f"{verb}: {result.returncode}\n{result.stdout}\n{result.stderr}")
    assert not problems, "\n\n".join(problems)


def test_wrong_options_and_arguments(weir):
    problems = []
    for verb in [*CASES, *SERVICES]:
        tries = [["--bogus"], ["a", "b", "c", "d", "e"] if verb not in ("tasks mark", "dags validate") else ["--bogus"]]
        if re.search(rf"usage: weir {verb} [A-Z]", weir(*verb.split(), "--help").stdout):
            tries.append([])
        for words in tries:
            result = weir(*verb.split(), *words)
            if result.returncode != 2 or result.stdout or f"usage: weir {verb}" not in result.stderr:
                problems.append(f"{verb} {words}: {result.returncode}\n{result.stdout}\n{result.stderr}")
    assert not problems, "\n\n".join(problems)


def test_a_dag_that_nobody_knows(weir, prepare, tmp_path):
    problems = []
    for verb in NAMES_A_DAG:
        words = [re.sub("^(etl|gated|old)$", "elt", word) for word in words_of(verb, tmp_path)]
        result = weir(*words)
        if result.returncode != 1 or result.stdout or 'did you mean "etl"?' not in result.stderr:
            problems.append(f"{words}: {result.returncode}\n{result.stdout}\n{result.stderr}")
    assert not problems, "\n\n".join(problems)


def test_a_broken_file_of_another_dag(weir, prepare, write_dag, tmp_path):
    write_dag("broken", "tasks: {a: {comand: x}}\n")
    problems = []
    for verb, case in CASES.items():
        for words in case.before:
            weir(*words.split())
        result = weir(*words_of(verb, tmp_path), "-o", "json")
        code = 1 if verb in ("dags validate", "dags list-import-errors") else case.offline
        if result.returncode != code:
            problems.append(f"{verb}: {result.returncode}\n{result.stdout}\n{result.stderr}")
    assert not problems, "\n\n".join(problems)


def test_a_reader_that_has_left(binary, home, prepare, tmp_path):
    problems = []
    for verb in ("dags list", "dags details", "dags list-runs", "tasks logs", "config list", "audit list", "pools list"):
        process = subprocess.Popen([str(binary), *words_of(verb, tmp_path)], env=clean_environment(home),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        if process.wait(30) not in (0, -signal.SIGPIPE) or said:
            problems.append(f"{verb}: {process.returncode} {said}")
    assert not problems, "\n\n".join(problems)


def test_help_manual_and_completion_agree(weir, binary):
    manual = re.sub(r"\\|\n", lambda match: "" if match.group() == "\\" else " ", (ROOT / "packaging/weir.1").read_text())
    missing = [verb for verb in verbs_of_help(weir) if not re.search(rf'(weir |"){re.escape(verb)}\b', manual)]
    assert missing == [], "not in packaging/weir.1"
    for verb in verbs_of_help(weir):
        options = re.findall(r"--(?:\[no-\])?([a-z-]+)", weir(*verb.split(), "--help").stdout.split("example:")[0])
        said = complete(binary, f"weir {verb} --")
        assert {f"--{option}" for option in options} >= set(said) >= {"--help", "--output", "--verbose"}, verb
        group, _, name = verb.rpartition(" ")
        assert name in complete(binary, f"weir {group} ".replace("  ", " ")), verb


def complete(binary, line):
    """What completion offers at the end of that line."""
    script = f"""
        source {ROOT}/packaging/weir.bash
        COMP_WORDS=({line.replace("weir", str(binary), 1)}{'""' if line.endswith(" ") else ""})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _weir weir "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout.split()
