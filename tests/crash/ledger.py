# SPDX-License-Identifier: MIT
"""What the tasks say about themselves (home.py: TASK), and what must be true of it whatever weir's rows say."""
import collections


class Attempt:
    __slots__ = ("begun", "code")

    def __init__(self):
        self.begun, self.code = 0, None  # how often it began; its exit code, once it has said it


class GrowingFile:
    """Its whole lines, as they come."""

    def __init__(self, path):
        self.path, self.offset, self.rest = path, 0, b""

    def new_lines(self):
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            data = file.read()
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode() for line in lines]


class Ledger:
    """Read as it grows. An attempt that ran twice, or beside another one of its task, is in `violations`."""

    def __init__(self, path):
        self.file = GrowingFile(path)
        self.runs = collections.defaultdict(lambda: collections.defaultdict(dict))  # run -> task -> try -> Attempt
        self.closed = set()  # runs of which nothing may come any more
        self.violations = []
        self.n_attempts = self.n_doubled = 0

    def read(self):
        for line in self.file.new_lines():
            self._take(*line.split(" "))
        return self

    def _take(self, what, dag_id, run_id, task_id, number):
        run, number = (dag_id, run_id), int(number)
        name = f"{dag_id} {run_id} {task_id} try {number}"
        if run in self.closed:
            self.violations.append(f"{name}: {what}, long after its run had ended")
            return
        tries = self.runs[run][task_id]
        attempt = tries.setdefault(number, Attempt())
        latest = max(tries)
        if latest > number:
            self.violations.append(f"{name}: {what}, when try {latest} had begun")
        if what == "begin":
            attempt.begun += 1
            self.n_attempts += 1
            if attempt.begun > 1:
                self.n_doubled += 1
                self.violations.append(f"{name}: ran {attempt.begun} times")
        else:
            attempt.code = int(what)

    def attempts(self, run):
        """(task, try, Attempt) of a run."""
        return [(task, number, attempt) for task, tries in self.runs.get(run, {}).items()
                for number, attempt in tries.items()]

    def close(self, run):
        self.runs.pop(run, None)
        self.closed.add(run)
