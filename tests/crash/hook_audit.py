# SPDX-License-Identifier: MIT
"""What hooks say about themselves, and weir's rows of them held against that and against the ends they tell of."""
import collections

from ledger import GrowingFile

# A hook: says that it begins and how it ends, with all that it was told, each as one write.
#   tell.sh N [SECONDS]   its first N attempts fail; each takes that long
TELL = """\
#!/bin/sh
say() {
    echo "$1 $WEIR_HOOK_ID $WEIR_HOOK_ATTEMPT $WEIR_DAG_ID $WEIR_RUN_ID ${WEIR_TASK_ID:--} ${WEIR_TRY_NUMBER:-0} $WEIR_HOOK $WEIR_STATE" >>"%(told)s"
}
say begin
[ -z "$2" ] || sleep "$2"
code=0
[ "$WEIR_HOOK_ATTEMPT" -gt "$1" ] || code=1
say $code
exit $code
"""
NEVER = 1000000  # tell.sh NEVER: no attempt succeeds

# The end that a hook tells of; of a run: no task, try 0.
Told = collections.namedtuple("Told", "dag_id run_id task_id number event state")
Hook = collections.namedtuple("Hook", "id told state attempt reason code created_us end_us")


class HookLedger:
    """What the hooks of a home say, read as it grows. tell: their command."""

    def __init__(self, home):
        told, self.tell = home.dir / "told", home.dir / "tell.sh"
        told.touch()
        self.file = GrowingFile(told)
        self.tell.write_text(TELL % {"told": told})
        self.tell.chmod(0o755)
        self.hooks = collections.defaultdict(dict)  # id -> attempt -> its exit code; None until it has said it
        self.told = {}  # id -> Told, as its first attempt said it
        self.closed = set()  # runs of which nothing may come any more
        self.violations = []
        self.n_attempts = 0

    def read(self):
        for line in self.file.new_lines():
            self._take(*line.split(" "))
        return self

    def _take(self, what, hook, attempt, dag_id, run_id, task_id, number, event, state):
        hook, attempt = int(hook), int(attempt)
        told = Told(dag_id, run_id, "" if task_id == "-" else task_id, int(number), event, state)
        name = f"attempt {attempt} of hook {hook} of {told}"
        attempts = self.hooks[hook]
        if (dag_id, run_id) in self.closed:
            self.violations.append(f"{name}: {what}, though its run had none left")
        if self.told.setdefault(hook, told) != told:
            self.violations.append(f"{name}: it told of {self.told[hook]} before")
        if attempts and max(attempts) > attempt:
            self.violations.append(f"{name}: {what}, when attempt {max(attempts)} had begun")
        if what == "begin":
            if attempt in attempts:
                self.violations.append(f"{name}: ran twice")
            self.n_attempts += 1
            attempts[attempt] = None
        else:
            attempts[attempt] = int(what)

    def close(self, run, hooks):
        """That run is over, and so are its hooks."""
        self.closed.add(run)
        for hook in hooks:
            self.hooks.pop(hook.id, None)
            self.told.pop(hook.id, None)


def hooks_of(home, ids):
    """The hooks of each run."""
    found = collections.defaultdict(list)
    for batch in (ids[i:i + 500] for i in range(0, len(ids), 500)):
        wanted = ",".join(str(int(i)) for i in batch)
        for run, hook, *row in home.rows(
                "SELECT h.dag_run_id, h.id, r.dag_id, r.run_id, coalesce(h.task_id, ''), coalesce(h.try_number, 0), "
                "h.event, h.told_state, h.state, h.attempt, h.end_reason, h.exit_code, h.created_at_us, h.end_date_us "
                f"FROM hook h JOIN dag_run r ON r.id = h.dag_run_id WHERE h.dag_run_id IN ({wanted})"):
            found[run].append(Hook(hook, Told(*row[:6]), *row[6:]))
    return found


def wanted_hooks(run, attempts, hooked):
    """
    The ends of a run and of its attempts that came by themselves and have a hook. hooked: task -> its events, "" for
    the run. A task that was marked had failed by itself before, and a run that was cleared had succeeded: no command
    here goes to others.
    """
    wanted = collections.Counter()

    def end(task, number, event, state, n=1):
        if event in hooked[task]:
            wanted[Told(run.dag_id, run.run_id, task, number, event, state)] += n

    for (task, number), row in attempts.items():
        if row.reason in ("canceled", "cleared"):
            continue
        if row.reason == "marked" or (row.state == "failed" and number > row.max_tries):
            end(task, number, "on_failure", "failed")
        elif row.state == "failed":
            end(task, number, "on_retry", "up_for_retry")
        elif row.state == "success":
            end(task, number, "on_success", "success")
    end("", 0, "on_success", "success", run.clear_number)
    if run.reason not in ("canceled", "marked"):
        end("", 0, "on_success" if run.state == "success" else "on_failure", run.state)
    return wanted


def check_hook(hook, said, limit, losses):
    """
    What is wrong with one hook that has ended. said: attempt -> exit code; losses(hook): how many attempts of it may
    have been lost.
    """
    n_lost = losses(hook)
    if hook.state not in ("success", "failed"):
        yield f"is {hook.state}"
        return
    if max([hook.attempt, *said]) > min(hook.attempt, limit):
        yield f"is at attempt {hook.attempt}, has begun {sorted(said)}, and may have {limit}"
    if not said:
        yield f"has never run, and is a {hook.state}"
    code = said.get(hook.attempt)
    if hook.code is not None and hook.code != code:
        yield f"has exit code {hook.code}, but its attempt {hook.attempt} said {code}"
    if hook.state == "success" and code != 0:
        yield f"is a success, but its attempt {hook.attempt} said {code}"
    if hook.state == "failed" and hook.attempt < limit:
        yield f"is given up after {hook.attempt} attempts"
    if sum(said.get(attempt) != 1 for attempt in range(1, hook.attempt)) > n_lost:
        yield f"was tried again though nothing died: attempts {said}"
    if hook.state == "failed" and code == 0 and n_lost == 0:
        yield "had succeeded, and is failed"


def check_hooks(run, hooks, attempts, hooked, ledger, limit, losses):
    """What is wrong with the hooks of one run that is over, a line each."""
    rows = collections.Counter(hook.told for hook in hooks)
    wanted = wanted_hooks(run, attempts, hooked)
    wrong = [f"no hook row {told}" for told in wanted - rows]
    wrong += [f"a hook row of no end by itself, or a second one: {told}" for told in rows - wanted]
    for hook in hooks:
        if ledger.told.get(hook.id, hook.told) != hook.told:
            wrong.append(f"hook {hook.id} of {hook.told} told of {ledger.told[hook.id]}")
        wrong += [f"hook {hook.id} of {hook.told} {text}"
                  for text in check_hook(hook, ledger.hooks.get(hook.id, {}), limit, losses)]
    return wrong
