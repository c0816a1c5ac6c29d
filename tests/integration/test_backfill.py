# SPDX-License-Identifier: MIT
"""weir backfill with the real binary: what is shown and made, and a small one to its end under a scheduler."""

import datetime
import signal

import pytest
from conftest import objects

DAILY = """
    dag_id: daily
    schedule: "0 2 * * *"
    params: {n: {type: integer, default: 1}}
    tasks:
      load: {command: "test {{ ds }} != 2025-01-03"}
      report: {command: "echo {{ params.n }}", depends_on: load}
"""
DATES = ("--dag-id", "daily", "--from-date", "2025-01-01", "--to-date", "2025-01-05")


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


@pytest.fixture
def daily(write_dag):
    return write_dag("daily", DAILY)


@pytest.fixture
def scheduler(start_weir, home, wait_for):
    started = []

    def start():
        process = start_weir("scheduler")
        wait_for(lambda: (home / "weir.sock").exists(), what="the scheduler")
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


class TestCreate:
    def test_dry_run(self, weir, daily, home):
        result = weir("backfill", "create", *DATES, "--dry-run", "--run-backwards", "-o", "json")
        rows = objects(result)
        assert [row["logical_date"] for row in rows] == [f"2025-01-0{day}T02:00:00Z" for day in (4, 3, 2, 1)]
        assert rows[0] == {"logical_date": "2025-01-04T02:00:00Z", "action": "create",
                           "dag_run_id": "backfill__2025-01-04T02:00:00+00:00"}
        assert "4 runs would be queued; nothing was changed." in result.stderr
        assert objects(weir("backfill", "list", "-o", "json")) == []

    def test_offline_then_scheduler(self, weir, daily, scheduler, wait_for):
        result = weir("backfill", "create", *DATES, "--max-active-runs", "2", "--dag-run-conf", '{"n": 4}')
        assert result.returncode == 0
        assert "Backfill 1: 4 new runs queued, 0 to be done again, 0 dates left alone; at most 2 runs at once." in result.stderr
        assert "no scheduler is running" in result.stderr
        again = weir("backfill", "create", *DATES)
        assert again.returncode == 1 and "Another backfill is running for Dag daily" in again.stderr
        assert "0 of 4 done" in weir("backfill", "list").stdout
        scheduler()

        def completed():
            row = objects(weir("backfill", "list", "--dag-id", "daily", "-o", "json"))[0]
            return row if row["completed_at"] else None

        row = wait_for(completed, what="the end of the backfill")
        assert row["progress"] == "4 of 4 done, 1 failed"
        assert (row["runs"], row["done"], row["failed"], row["queued"], row["seconds_left"]) == (4, 4, 1, 0, None)
        assert (row["id"], row["dag_id"], row["reprocess_behavior"]) == (1, "daily", "none")
        assert (row["from_date"], row["to_date"]) == ("2025-01-01T00:00:00Z", "2025-01-05T00:00:00Z")
        assert row["max_active_runs"] == 2 and row["dag_run_conf"] == {"n": 4} and row["is_paused"] is False
        runs = {run["run_id"]: run for run in objects(weir("dags", "list-runs", "daily", "-o", "json"))
                if run["run_type"] == "backfill"}
        assert len(runs) == 4
        assert runs["backfill__2025-01-03T02:00:00+00:00"]["state"] == "failed"
        assert runs["backfill__2025-01-04T02:00:00+00:00"]["state"] == "success"
        assert runs["backfill__2025-01-04T02:00:00+00:00"]["triggered_by"] == "backfill"
        assert "4\n" in weir("tasks", "logs", "daily", "report", "backfill__2025-01-04T02:00:00+00:00").stdout

        failed = weir("backfill", "create", *DATES, "--reprocess-behavior", "failed", "--dry-run", "-o", "json")
        assert [(row["logical_date"], row["action"]) for row in objects(failed)] == [("2025-01-03T02:00:00Z", "clear")]
        assert "3 dates are left alone: 3 already exist, 0 in flight." in failed.stderr

    @pytest.mark.parametrize(
        "words, said",
        [
            ((), "--dag-id is missing"),
            (("--dag-id", "daily"), "--from-date is missing"),
            ((*DATES, "--reprocess-behavior", "faild"), 'did you mean "failed"?'),
            ((*DATES, "--max-active-runs", "0"), "whole number"),
            ((*DATES, "--dag-run-conf", "[1]"), "--dag-run-conf must be a JSON object"),
            (("--dag-id", "daily", "--from-date", "soon", "--to-date", "2025-01-01"), "soon"),
        ],
    )
    def test_wrong_usage(self, weir, daily, words, said):
        result = weir("backfill", "create", *words)
        assert result.returncode in (1, 2) and said in result.stderr and result.stdout == ""

    def test_wrong_name(self, weir, daily):
        words = ("--dag-id", "dialy", *DATES[2:])
        for result in (weir("backfill", "create", *words), weir("backfill", "list", "--dag-id", "dialy")):
            assert result.returncode == 1 and 'did you mean "daily"?' in result.stderr


class TestChange:
    def test_pause_and_cancel(self, weir, daily):
        assert weir("backfill", "create", *DATES).returncode == 0
        assert objects(weir("backfill", "pause", "1", "-o", "json"))[0]["is_paused"] is True
        assert "0 of 4 done, paused" in weir("backfill", "list").stdout
        assert objects(weir("backfill", "unpause", "1", "-o", "json"))[0]["is_paused"] is False
        canceled = objects(weir("backfill", "cancel", "1", "-o", "json"))[0]
        assert canceled["canceled"] == 4 and canceled["completed_at"] and canceled["is_paused"] is True
        assert "0 of 4 done, 4 canceled" in weir("backfill", "list").stdout
        result = weir("backfill", "pause", "1")
        assert result.returncode == 1 and "Backfill is already completed." in result.stderr
        states = weir("dags", "state", "daily", "backfill__2025-01-01T02:00:00+00:00")
        assert states.stdout == "failed\n"

    def test_which(self, weir, daily):
        result = weir("backfill", "pause", "x")
        assert result.returncode == 2 and "weir backfill list" in result.stderr
        result = weir("backfill", "cancel", "7")
        assert result.returncode == 1 and "Could not find backfill with id 7" in result.stderr

    def test_nothing_there(self, weir):
        result = weir("backfill", "list", "-o", "json")
        assert objects(result) == []
        assert "No data found" in weir("backfill", "list").stderr

    def test_old_ones_are_cleaned_away(self, weir, daily):
        weir("backfill", "create", *DATES)
        clean = ("db", "clean", "--clean-before-timestamp", now(), "-y")
        assert weir(*clean).returncode == 0 and len(objects(weir("backfill", "list", "-o", "json"))) == 1
        weir("backfill", "cancel", "1")
        result = weir(*clean[:3], now(), "-y")
        assert "Deleted 4 runs with 8 task instances and their logs" in result.stderr, result.stderr
        assert "1 old backfill," in result.stderr
        assert objects(weir("backfill", "list", "-o", "json")) == []
