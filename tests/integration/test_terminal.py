# SPDX-License-Identifier: MIT
"""weir run on a terminal."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios

from conftest import clean_environment


class TestTerminal:
    """The live view, on a pseudo-terminal."""

    def run_on_terminal(self, binary, home, words, size=(24, 80), act=None):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        process = subprocess.Popen([str(binary), *words], env=clean_environment(home), stdin=slave, stderr=slave,
                                   stdout=subprocess.PIPE, start_new_session=True)
        os.close(slave)
        seen = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
            if act is not None:
                act(process, seen)
        os.close(master)
        out = process.stdout.read().decode()
        process.stdout.close()
        return process.wait(60), out, seen.decode()

    def test_live_view(self, binary, home, etl):
        code, out, seen = self.run_on_terminal(binary, home, ["run", "etl", "--run-id", "r1"])
        assert code == 0 and "r1 of etl: success" in out
        assert "\x1b[?25l" in seen and seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
        last = seen[seen.rindex("\x1b[?25l"):]
        assert "✔" in last and "report" in last

    def test_interrupt(self, binary, home, write_dag):
        write_dag("slow", "tasks: {a: {command: sleep 60}}\n")
        done = []

        def act(process, seen):
            if not done and b"running" in seen.rpartition(b"slow")[2]:
                done.append(True)
                process.send_signal(signal.SIGINT)

        code, out, seen = self.run_on_terminal(binary, home, ["run", "slow", "--run-id", "r1"], act=act)
        assert code == 130 and "slow: failed" in out
        assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")

    def test_narrow(self, binary, home, etl):
        code, out, seen = self.run_on_terminal(binary, home, ["run", "etl", "--run-id", "r1"], size=(8, 20))
        assert code == 0
        for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)):
            assert len(line) <= 20, line
