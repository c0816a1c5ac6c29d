# SPDX-License-Identifier: MIT
"""weir tasks logs, of a task that is running."""

import os

from conftest import objects, state_of_first_task, wait_until


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
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "slow") == "running", what="running")
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
        wait_for(lambda: (home / "weir.db").exists() and state_of_first_task(weir, "slow") == "running", what="running")
        follow = start_weir("tasks", "logs", "-f", "slow", "a", "r1")
        follow.stdout.readline()

        def waits_for_a_change():  # without a time limit: read() of an inotify
            call = open(f"/proc/{follow.pid}/syscall").read().split()
            link = f"/proc/{follow.pid}/fd/{int(call[1], 16)}" if call[0] == "0" else ""
            return os.path.lexists(link) and os.readlink(link) == "anon_inode:inotify"

        wait_until(waits_for_a_change, what="a blocking read")
        gate.touch()
        assert follow.wait(60) == 0 and run.wait(60) == 0


def test_logs_that_are_too_old_are_gone(weir, scheduler, write_dag, home):
    tasks = "tasks: {a: {command: echo hello}}\n"
    write_dag("brief", tasks)
    weir("run", "brief", "--run-id", "r1")
    assert "hello" in weir("tasks", "logs", "brief", "a", "r1").stdout
    service = scheduler()
    write_dag("brief", "log_retention: 1ms\n" + tasks)
    service.wait_log("retention: deleted the logs of 1 run$")
    result = weir("tasks", "logs", "brief", "a", "r1", check=False)
    assert result.returncode == 1 and "no log of try 1 any more: logs are kept for 1ms" in result.stderr
    assert not list((home / "logs/dag_id=brief").glob("run_id=*"))
    assert objects(weir("dags", "list-runs", "brief", "-o", "json"))[0]["state"] == "success"
    (details,) = objects(weir("dags", "details", "brief", "-o", "json"))
    assert (details["retention"], details["log_retention"]) == (None, "1ms")
