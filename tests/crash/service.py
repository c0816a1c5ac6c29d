# SPDX-License-Identifier: MIT
"""A `weir scheduler` that dies once, at its crash point, and is started again whenever it is found dead."""
import contextlib
import signal
import subprocess
import threading
import time

from home import TIMEOUT_S, Failure

OTHER_BOOT = "0123456789abcdef0123456789abcdef"
# Who dies at the point: the one that passes it; it and the other of daemon and runner; or all, and with them the boot.
VICTIMS = ("itself", "both", "machine")


class Service:
    def __init__(self, home, crash, victim, options=(), environment=None):
        self.home, self.victim, self.options = home, victim, options
        self.crash = dict(crash or {})  # WEIR_CRASH_*, for the start that dies
        self.died = home.dir / "died"
        self.environment = dict(environment or {})  # of every start
        self.processes = []
        self.is_armed = self.is_done = False  # is_armed: the next start is the one that dies
        self.lock = threading.RLock()  # nobody is started while others are being killed
        if self.crash and victim != "itself":
            self.crash["WEIR_CRASH_STOP"] = "1"
            threading.Thread(target=self._watch, daemon=True).start()

    def close(self):
        self.is_done = True

    # ---- Death ----

    def _watch(self):
        """Whoever passes the point stops, and is killed together with the others."""
        while not self.died.exists():
            if self.is_done:
                return
            time.sleep(0.001)
        with self.lock:
            if self.victim == "machine":
                self.reboot()
            else:
                self.home.kill(self.home.runners())
                self.kill()

    def kill(self):
        """The schedulers, not what they started."""
        for process in self.processes:
            process.kill()

    def drop(self):
        """As if there had never been a scheduler here; its runner stays."""
        self.kill()
        for process in self.processes:
            process.wait()
        self.processes = []

    def reboot(self):
        """As a machine does: nothing of it goes on, and what starts next is in another boot."""
        self.kill()
        while left := [pid for pid in self.home.processes() if pid not in {p.pid for p in self.processes}]:
            self.home.kill(left)
        self.environment["WEIR_CRASH_BOOT_ID"] = OTHER_BOOT

    @property
    def has_died(self):
        return self.died.exists()

    # ---- Life ----

    def _start(self, *args):
        extra = dict(self.environment)
        if self.is_armed:
            extra.update(self.crash)
            self.is_armed = False
        with self.lock:
            process = self.home.start(*args, **extra)
            self.processes.append(process)
        return process

    def start(self):
        return self._start("scheduler", *self.options)

    def start_and_wait(self):
        self.start()
        self.wait(lambda: self.home.ask({"command": "status"}), "weir scheduler answers")

    def call(self, *args):
        """Another verb, to its end; its exit status."""
        process = self._start(*args)
        try:
            code = process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"weir {' '.join(args)} hangs") from None
        with self.lock:
            self.processes.remove(process)
        return code

    def tend(self):
        """Starts a new one in place of each that was killed; one that ended otherwise is a failure."""
        with self.lock:
            for process in list(self.processes):
                if process.poll() is None:
                    continue
                self.processes.remove(process)
                if process.returncode != -signal.SIGKILL:
                    raise Failure(f"weir scheduler ended with {process.returncode}")
                self.start()

    def wait(self, predicate, what):
        def look():
            self.tend()
            with contextlib.suppress(Exception):  # there may be no store yet, or a half made one
                return predicate()
        return self.home.wait_for(look, what)

    def ask(self, command, in_effect, **args):
        """
        A command that must be in effect afterwards, whatever dies: without an answer, it is looked whether it was
        stored, and asked again if it was not. in_effect() must tell it from any state before.
        """
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            self.tend()
            answer = self.home.ask({"command": command, "args": args})
            if answer is not None and answer["ok"]:
                if not in_effect():
                    raise Failure(f"{command} {args} was acknowledged, and is not in effect")
                return answer["result"]
            with contextlib.suppress(Exception):
                if in_effect():
                    return None
            if answer is not None and answer["error"]["code"] != "busy":
                raise Failure(f"{command} {args}: {answer['error']['message']}")
            time.sleep(0.01)
        raise Failure(f"{command} {args}: nobody answers")

    def stop(self, number=signal.SIGTERM):
        """Ends it in order; one that is killed on its way out is started and ended again."""
        while self.processes:
            for process in self.processes:
                process.send_signal(number)
            for process in self.processes:
                try:
                    process.wait(TIMEOUT_S)
                except subprocess.TimeoutExpired:
                    raise Failure("weir scheduler does not end") from None
            with self.lock:
                pass  # whoever is being killed is dead
            # -SIGTERM: it had not yet come to where it hears signals, and has taken nothing in.
            was_killed = [process for process in self.processes
                          if process.returncode in (-signal.SIGKILL, -signal.SIGTERM)]
            odd = [process.returncode for process in self.processes
                   if process.returncode != 0 and process not in was_killed]
            self.processes = []
            if odd:
                raise Failure(f"weir scheduler ended with {odd[0]} at SIGTERM")
            if was_killed:
                self.start_and_wait()
