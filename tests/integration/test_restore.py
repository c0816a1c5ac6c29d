# SPDX-License-Identifier: MIT
"""A database that is put back from a copy, or has lost its last commits, while runners still have what came after it:
ids are given again, and what ran under them before is never taken for what has them now."""

import json
import os
import shutil
import signal

import pytest
from conftest import runner_pids, wait_until

# Each attempt says that it ran. With a gate it waits for a file, else it ends at once.
DAG = """
tasks:
  load:
    command: 'echo "$WEIR_RUN_ID begins" >> $WEIR_HOME/ledger;
      while test -e $WEIR_HOME/gate; do sleep 0.02; done; echo "$WEIR_RUN_ID ends" >> $WEIR_HOME/ledger'
"""


@pytest.fixture
def ledger(home):
    return lambda: (home / "ledger").read_text().splitlines() if (home / "ledger").exists() else []


def copy_database(home, to):
    for suffix in ("", "-wal"):
        if (home / f"weir.db{suffix}").exists():
            shutil.copy(home / f"weir.db{suffix}", f"{to}{suffix}")


def put_back(home, copy):
    for suffix in ("", "-wal", "-shm"):
        (home / f"weir.db{suffix}").unlink(missing_ok=True)
    for suffix in ("", "-wal"):
        if os.path.exists(f"{copy}{suffix}"):
            shutil.copy(f"{copy}{suffix}", home / f"weir.db{suffix}")


def killed_while_it_runs(start_weir, wait_for, ledger, run_id):
    """A weir run of that id, killed -9 while its task waits at the gate."""
    process = start_weir("run", "d", "--run-id", run_id)
    wait_for(lambda: f"{run_id} begins" in ledger(), what="the task's begin")
    process.kill()
    process.wait()


def states(weir, run_id):
    out = weir("tasks", "states-for-dag-run", "d", run_id, "-o", "json").stdout
    return [(row["state"], row["try_number"]) for row in json.loads(out)]


@pytest.mark.parametrize("ended", [False, True], ids=["while it runs", "after it ended"])
@pytest.mark.parametrize("lost", ["copy", "wal"])
def test_a_number_given_again(weir, start_weir, write_dag, wait_for, home, tmp_path, ledger, ended, lost):
    write_dag("d", DAG)
    assert weir("run", "d", "--run-id", "first").returncode == 0
    copy_database(home, tmp_path / "copy.db")
    (home / "gate").touch()
    killed_while_it_runs(start_weir, wait_for, ledger, "former")
    if ended:
        (home / "gate").unlink()
        wait_for(lambda: "former ends" in ledger(), what="its end")
    if lost == "copy":
        put_back(home, tmp_path / "copy.db")
    else:
        (home / "weir.db-wal").unlink()
        (home / "weir.db-shm").unlink(missing_ok=True)
    (home / "gate").unlink(missing_ok=True)
    after = weir("run", "d", "--run-id", "latter")
    assert after.returncode == 0, after
    assert ledger().count("latter begins") == 1 and ledger()[-1] == "latter ends"
    assert states(weir, "latter") == [("success", 1)]
    assert weir("db", "check").returncode == 0


def test_killed_again_before_the_former_is_gone(weir, start_weir, write_dag, wait_for, home, tmp_path, ledger):
    """The row of the second life is queued and has the number, the process of the first one has it still: and the
    daemon in between is killed as well."""
    write_dag("d", DAG.replace("while test", "trap \"\" TERM; while test"))
    assert weir("run", "d", "--run-id", "first").returncode == 0
    copy_database(home, tmp_path / "copy.db")
    (home / "gate").touch()
    killed_while_it_runs(start_weir, wait_for, ledger, "former")
    put_back(home, tmp_path / "copy.db")
    between = start_weir("run", "d", "--run-id", "latter")
    wait_for(lambda: weir("tasks", "state", "d", "load", "latter").stdout.strip() == "queued", what="queued")
    between.kill()
    between.wait()
    (home / "gate").unlink()
    wait_for(lambda: "former ends" in ledger(), what="the former's end")
    after = weir("run", "d", "--run-id", "latter")
    assert after.returncode == 0, after
    assert ledger()[-2:] == ["latter begins", "latter ends"]


def test_the_same_attempt_goes_on(weir, start_weir, write_dag, wait_for, home, tmp_path, ledger):
    """The copy knows the attempt that runs: it is taken over, not run again."""
    write_dag("d", DAG)
    (home / "gate").touch()
    process = start_weir("run", "d", "--run-id", "r")
    wait_for(lambda: weir("tasks", "state", "d", "load", "r").stdout.strip() == "running", what="running")
    assert weir("db", "backup", tmp_path / "copy.db").returncode == 0
    process.kill()
    process.wait()
    put_back(home, tmp_path / "copy.db")
    process = start_weir("run", "d", "--run-id", "r")
    wait_until(lambda: runner_pids(home))
    (home / "gate").unlink()
    assert process.wait(60) == 0
    assert ledger() == ["r begins", "r ends"]


def test_older_rows_of_the_same_run(weir, start_weir, write_dag, wait_for, home, tmp_path, ledger):
    """The copy is from before a retry which still runs: that is ended, then the try that the copy knows is lost, and
    the next one runs, beside nobody."""
    write_dag(
        "d",
        DAG.replace("load:", "load:\n    retries: 2\n    retry_delay: 0s").replace(
            "while test", 'test "$WEIR_TRY_NUMBER" -gt 1 || exit 1; while test'
        ),
    )
    (home / "gate").touch()
    pause = start_weir("run", "d", "--run-id", "r")
    wait_for(lambda: ledger().count("r begins") == 2, what="the second try")
    pause.send_signal(signal.SIGKILL)
    pause.wait()
    copy_database(home, tmp_path / "copy.db")
    (home / "gate").unlink()
    wait_for(lambda: "r ends" in ledger(), what="its end")
    put_back(home, tmp_path / "copy.db")
    after = weir("run", "d", "--run-id", "r")
    assert after.returncode == 0, after
    assert ledger() == ["r begins", "r begins", "r ends"]
