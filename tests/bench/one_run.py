# SPDX-License-Identifier: MIT
"""Benchmarks of one `weir run`, and of the program itself."""
import shutil
import sqlite3
import subprocess

from harness import JOBS, median, spread


def start(bench):
    times = [bench.timed([str(bench.weir), "version"], WEIR_HOME=str(bench.home_path()))[0]
             for _ in range(bench.pairs)]
    stripped = bench.dir / "stripped"
    subprocess.run(["strip", "-o", str(stripped), str(bench.weir)], check=True)
    bench.row("start of the program (`weir version`)", f"{median(times) * 1000:.1f} ms")
    bench.row("size of the stripped binary", f"{stripped.stat().st_size / 1e6:.2f} MB", "<= 4 MB")


def validate(bench):
    n = 1000 // bench.scale
    folder = bench.dir / "dags"
    folder.mkdir(exist_ok=True)
    for i in range(n):
        (folder / f"dag_{i}.yaml").write_text(dag_file(i))
    times = [bench.timed([str(bench.weir), "dags", "validate", str(folder)], WEIR_HOME=str(bench.home_path()))[0]
             for _ in range(bench.pairs)]
    bench.row(f"`weir dags validate` of {n:,} files", f"{median(times) * 1000:.0f} ms", "<= 300 ms")


def dag_file(i):
    """A DAG as people write them, of four tasks."""
    return f"""\
description: File {i} of many
schedule: "{i % 60} {i % 24} 1 1 *"
timezone: Europe/London
start_date: 2026-01-01
params:
  user_id: {{type: string, default: "u{i}"}}
default_args: {{retries: 1, retry_delay: 2m}}
tasks:
  load:
    command: [./load.sh, --user, "{{{{ params.user_id }}}}", --day, "{{{{ ds }}}}"]
  clean_a: {{depends_on: load, command: "./clean.sh a"}}
  clean_b: {{depends_on: load, command: "./clean.sh b"}}
  query: {{depends_on: [clean_a, clean_b], command: ["./query.sh"], execution_timeout: 10m}}
"""


def chain(bench):
    n = 1000 // bench.scale
    dag = bench.dag("chain", n, chained=True)
    whole, hops = [], []
    for _ in range(bench.pairs):
        seconds, _, home = bench.weir_run(dag)
        whole.append(seconds)
        hops += hops_of(home)
    bench.row(f"chain of {n:,} `/bin/true`, whole run", f"{median(whole):.2f} s", "<= 2.0 s")
    bench.row("  a hop: upstream's end to downstream's start", spread(hops), "p99 <= 10 ms")


def hops_of(home):
    db = sqlite3.connect(f"file:{home}/weir.db?mode=ro", uri=True)
    rows = db.execute("SELECT start_date_us, end_date_us FROM task_instance ORDER BY start_date_us").fetchall()
    db.close()
    return [(later[0] - earlier[1]) / 1000 for earlier, later in zip(rows, rows[1:])]


def independent(bench):
    n = 5000 // bench.scale
    dag = bench.dag("independent", n, chained=False)
    ninja = bench.dir / "build.ninja"
    ninja.write_text("rule r\n  command = /bin/true\n" + "".join(f"build t{i}: r\n" for i in range(n)) +
                     "build all: phony " + " ".join(f"t{i}" for i in range(n)) + "\n")
    make = bench.dir / "Makefile"
    make.write_text("all: " + " ".join(f"t{i}" for i in range(n)) + "\n" +
                    "".join(f"t{i}:\n\t@/bin/true\n" for i in range(n)))
    rivals = {"ninja": ["ninja", "-f", str(ninja), f"-j{JOBS}", "all"],
              "make": ["make", "-s", "-f", str(make), f"-j{JOBS}"]}
    for name, argv in rivals.items():
        ours, theirs = [], []
        for pair in range(bench.pairs + 1):
            a, b = bench.weir_run(dag)[0], bench.timed(argv)[0]
            if pair > 0:  # the first pair warms up
                ours.append(a)
                theirs.append(b)
        ratio = median([a / b for a, b in zip(ours, theirs)])
        bench.row(f"{n:,} independent `/bin/true`, {JOBS} at a time, against `{name} -j{JOBS}`",
                  f"{ratio:.2f} of its time ({median(ours):.2f} s / {median(theirs):.2f} s,"
                  f" {median(ours) / n * 1e6:.0f} us a task)", "<= 1.00" if name == "ninja" else "-")


def large(bench):
    cost = {}
    for n in (10_000 // bench.scale, 100_000 // bench.scale):
        seconds, rss, home = bench.weir_run(bench.dag(f"large{n}", n, chained=False))
        cost[n] = seconds / n * 1e6
        size = sum(f.stat().st_size for f in home.glob("weir.db*")) / n
        bench.row(f"one run of {n:,} tasks", f"{seconds:.1f} s, {cost[n]:.0f} us a task, peak {rss:.0f} MB RSS, "
                  f"{size:.0f} bytes a task in the store", "works; <= 200 MB" if n >= 100_000 else "-")
        shutil.rmtree(home)
    few, many = cost
    bench.row(f"  cost per task, {many:,} against {few:,} tasks", f"{cost[many] / cost[few]:.2f}", "flat: ~1")
