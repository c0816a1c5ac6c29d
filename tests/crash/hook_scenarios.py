# SPDX-License-Identifier: MIT
"""Hooks while weir is killed: each is told once in the store, and has run to its end at least once."""
import collections

from audit import finished_runs, tasks_of
from hook_audit import HookLedger, check_hooks, hooks_of
from scheduler_scenarios import HOURLY, QUICK, Scenario, hours

ALL = 'on_success: [TELL, "1"]\non_failure: [TELL, "1"]\non_retry: [TELL, "1"]\n'
OF_TASKS = 'default_args: {retries: 6, retry_delay: 0s, on_success: [TELL, "1"], on_failure: [TELL, "1"]'
HOOKED = collections.defaultdict(lambda: {"on_success", "on_failure", "on_retry"})
RETRIES = 20


class Hooks(Scenario):
    dags = {"hooked": HOURLY % 0 + ALL + QUICK.replace("default_args: {retries: 6, retry_delay: 0s", OF_TASKS)}
    environment = {"WEIR__SCHEDULER__HOOK_RETRIES": str(RETRIES), "WEIR__SCHEDULER__HOOK_RETRY_DELAY": "0s"}

    def write(self, name, text):
        self.hook_ledger = HookLedger(self.home)
        super().write(name, text.replace("TELL", str(self.hook_ledger.tell)))

    def play(self, service):
        service.start()
        self.expect("hooked", hours(0))
        self.wait_expected(service)
        service.wait(lambda: self.value("SELECT count(*) FROM hook WHERE state IN ('queued', 'running')") == 0,
                     "all hooks have run")

    def check(self):
        run, = finished_runs(self.home)
        _, attempts = tasks_of(self.home, [run.id])
        ledger = self.hook_ledger.read()
        wrong = check_hooks(run, hooks_of(self.home, [run.id])[run.id], attempts[run.id], HOOKED, ledger, RETRIES + 1,
                            losses=lambda hook: 1)  # by the one death that there is
        return wrong + ledger.violations


SCENARIOS = {"hooks": Hooks}
