# SPDX-License-Identifier: MIT
"""Disks without room: nothing new is started, nothing is lost, and it goes on by itself. The logs are on a disk of
their own, a small one in memory; where that may not be mounted, these tests are skipped."""

import re
import subprocess

import pytest

ONE_TASK = "tasks: {load: {command: 'echo got', retries: 0}}\n"


@pytest.fixture
def small_disk(tmp_path, home):  # home: its runners are gone before the disk is
    """A disk of 4 MiB and 100 files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=100,mode=0700", "tmpfs", folder], capture_output=True
    )
    if made.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def logs_on(folder, watermark):
    return {"WEIR__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"), "WEIR__SCHEDULER__MIN_FREE_DISK": watermark}


def read_until(process, pattern):
    """Lines of stderr up to the one that matches."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"{pattern!r} was not said:\n" + "".join(lines))


def is_scheduled(weir):
    return lambda: weir("tasks", "state", "d", "load", "r").stdout.strip() == "scheduled"


def test_below_the_watermark(weir, start_weir, write_dag, small_disk, wait_for):
    env = logs_on(small_disk, "1M")
    write_dag("d", ONE_TASK)
    (small_disk / "fill").write_bytes(bytes(7 * 512 * 1024))
    run = start_weir("run", "d", "--run-id", "r", env=env)
    said = read_until(run, "nothing new is started")[-1]
    assert f"the disk of {small_disk}/logs has 512K left, less than scheduler.min_free_disk (1M)" in said
    wait_for(is_scheduled(weir), what="scheduled")
    explained = weir("tasks", "explain", "d", "load", "r", "-o", "json", env=env)
    assert "Disk Space Available" in explained.stdout, explained
    assert "512K left" in weir("info", env=env).stdout
    assert "starts nothing new" in weir("jobs", "check", env=env).stderr
    (small_disk / "fill").unlink()
    assert run.wait(60) == 0
    assert (small_disk / "logs/dag_id=d/run_id=r/task_id=load/attempt=1.log").exists()


def test_no_file_can_be_made_for_the_log(weir, start_weir, write_dag, small_disk, wait_for):
    """Nobody looks at the disk beforehand; the runner finds it full. retries: 0, and none is used up."""
    write_dag("d", ONE_TASK)
    fill = small_disk / "fill"
    fill.mkdir()
    with pytest.raises(OSError):
        for number in range(1000):
            (fill / str(number)).touch()
    run = start_weir("run", "d", "--run-id", "r", env=logs_on(small_disk, "0"))
    assert "No space left on device" in read_until(run, "nothing new is started")[-1]
    wait_for(is_scheduled(weir), what="scheduled again")
    for file in fill.iterdir():
        file.unlink()
    assert run.wait(60) == 0
    assert "got" in (small_disk / "logs/dag_id=d/run_id=r/task_id=load/attempt=1.log").read_text()
