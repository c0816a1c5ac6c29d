# SPDX-License-Identifier: MIT
"""weir tasks logs, of a task that is running."""

import os

from conftest import state_of_first_task, wait_until


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
