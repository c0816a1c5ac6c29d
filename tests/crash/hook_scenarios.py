# SPDX-License-Identifier: MIT
"""Hooks while weir is killed: each is told once in the store, and has run to its end at least once."""
import collections

from scheduler_scenarios import HOURLY, QUICK, QUICK_ENDS, Scenario, hours

# Says that it begins and that it ends; its first attempt fails.
TELL = """\
#!/bin/sh
echo "begin $WEIR_HOOK_ID $WEIR_HOOK_ATTEMPT" >>"%(told)s"
[ "$WEIR_HOOK_ATTEMPT" -gt 1 ] || exit 1
echo "end $WEIR_HOOK_ID $WEIR_HOOK_ATTEMPT" >>"%(told)s"
"""
ALL = "on_success: [TELL]\non_failure: [TELL]\non_retry: [TELL]\n"
OF_TASKS = "default_args: {retries: 6, retry_delay: 0s, on_success: [TELL], on_failure: [TELL]"


class Hooks(Scenario):
    dags = {"hooked": HOURLY % 0 + ALL + QUICK.replace("default_args: {retries: 6, retry_delay: 0s", OF_TASKS)}
    environment = {"WEIR__SCHEDULER__HOOK_RETRIES": "20", "WEIR__SCHEDULER__HOOK_RETRY_DELAY": "0s"}

    def write(self, name, text):
        self.told = self.home.dir / "told"
        self.told.touch()
        tell = self.home.dir / "tell.sh"
        tell.write_text(TELL % {"told": self.told})
        tell.chmod(0o755)
        super().write(name, text.replace("TELL", str(tell)))

    def play(self, service):
        service.start()
        self.expect("hooked", hours(0))
        self.wait_expected(service)
        service.wait(lambda: self.value("SELECT count(*) FROM hook WHERE state IN ('queued', 'running')") == 0,
                     "all hooks have run")

    def check(self):
        rows = self.home.rows("SELECT id, coalesce(task_id, ''), event, coalesce(try_number, 0), state FROM hook")
        retried = self.home.rows("SELECT t.task_id, 'on_retry', h.try_number FROM task_instance_history h "
                                 "JOIN task_instance t ON t.id = h.ti_id WHERE h.state = 'failed'")
        ended = self.home.rows("SELECT task_id, CASE state WHEN 'success' THEN 'on_success' ELSE 'on_failure' END, "
                               "try_number FROM task_instance WHERE state IN ('success', 'failed')")
        wanted = collections.Counter([*retried, *ended, ("", "on_success", 0)])
        wrong = [f"hook {row} is not a success" for row in rows if row[4] != "success"]
        if len(ended) != len(QUICK_ENDS) - 1 or wanted != collections.Counter(row[1:4] for row in rows):
            wrong.append(f"hooks of {sorted(row[1:4] for row in rows)}, not of {sorted(wanted)}")
        said = collections.Counter(self.told.read_text().splitlines())
        wrong += [f"{line}: said {n} times" for line, n in said.items() if n > 1]
        has_run = {int(line.split()[1]) for line in said if line.startswith("end ")}
        return wrong + [f"hook {row} has never run" for row in rows if row[0] not in has_run]


SCENARIOS = {"hooks": Hooks}
