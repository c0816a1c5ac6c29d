# SPDX-License-Identifier: MIT
"""The tasks of the Pinterest batch DAG as weir runs them, and its emulator."""
import csv
import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pinterest_reference as reference

ROOT = Path(__file__).resolve().parents[2]
DAG = ROOT / "dags" / "pinterest"
BUILD = Path(os.environ.get("WEIR_BUILD_DIR", "build/dev"))
EMULATOR = (BUILD if BUILD.is_absolute() else ROOT / BUILD) / "tools/emulator/pinterest-emulator"
USER_ID = "0ab336d6fcf7"
KEYS = {"pin": "index", "geo": "ind", "user": "ind"}


def emulate(out, *options, check=True):
    command = [EMULATOR, "--out", out, *map(str, options)]
    return subprocess.run(command, check=check, capture_output=True, text=True)


class Run:
    """One DAG run: its tasks with the arguments that pinterest_batch.yaml gives them."""

    def __init__(self, source, output, user_id=USER_ID, max_bad=0, run_id="manual__2026-01-02T00:00:00+00:00"):
        self.source, self.output, self.user_id = source, output, user_id
        self.max_bad, self.run_id = max_bad, run_id
        self.work = Path(output) / ".work" / "pinterest_batch" / run_id

    def command(self, task):
        if task == "load":
            return ["./load.sh", str(self.source), self.user_id, str(self.output), str(self.max_bad)]
        if task == "query":
            return ["./query.sh", str(self.output)]
        return ["./clean.sh", task.removeprefix("clean_"), str(self.output)]

    def environment(self, task):
        return {**os.environ, "WEIR_DAG_ID": "pinterest_batch", "WEIR_RUN_ID": self.run_id,
                "WEIR_TASK_ID": task, "WEIR_TRY_NUMBER": "1"}

    def start(self, task):
        return subprocess.Popen(self.command(task), cwd=DAG, env=self.environment(task), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    def task(self, task, status=0):
        """The output of a task that must end with `status`."""
        process = self.start(task)
        output = process.communicate(timeout=300)[0]
        assert process.returncode == status, output
        return output

    def all(self):
        self.task("load")
        cleans = [self.start(f"clean_{table}") for table in ("geo", "pin", "user")]
        for process in cleans:
            output = process.communicate(timeout=300)[0]
            assert process.returncode == 0, output
        return self.task("query")

    def rows(self, table):
        db = sqlite3.connect(self.work / f"clean_{table}.db")
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
        db.close()
        return columns, rows

    def results(self):
        results = {}
        for path in Path(self.output).glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                results[path.stem] = list(csv.reader(file))
        return results

    def check(self):
        """Compares the clean tables and the nine results with the reference."""
        (pin, geo, user), results = reference.run(self.source, self.user_id)
        for table, names, expected in (("pin", reference.PIN, pin), ("geo", reference.GEO, geo),
                                       ("user", reference.USER, user)):
            columns, rows = self.rows(table)
            assert tuple(columns) == names
            if table == "geo":
                rows = [(ind, country, point and tuple(json.loads(point)), time)
                        for ind, country, point, time in rows]
            assert len(rows) == len(set(rows)) == len(expected)
            assert set(rows) == expected
        mine = self.results()
        assert set(mine) == set(results)
        for name, rows in results.items():
            assert mine[name] == rows, name
        assert not list(self.work.glob("*.tmp.*")), "temporary files are left"
