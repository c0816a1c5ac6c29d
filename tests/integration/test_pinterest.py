# SPDX-License-Identifier: MIT
"""The Pinterest batch DAG: scripts run as weir runs them, against a reference."""
import hashlib
import json
import os
import random
import re
import signal
import time
from pathlib import Path

import pinterest_reference as reference
import pytest
from conftest import wait_until
from pinterest_run import DAG, KEYS, USER_ID, Run, emulate


def write_topics(source, pin=(), geo=(), user=(), user_id=USER_ID):
    """A source with one file a topic; bytes and strings are written as they are, the rest as JSON."""
    for table, lines in (("pin", pin), ("geo", geo), ("user", user)):
        folder = Path(source) / "topics" / f"{user_id}.{table}" / "partition=0"
        folder.mkdir(parents=True)
        data = b"".join(
            (line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()) + b"\n"
            for line in lines)
        (folder / f"{user_id}.{table}+0+0000000000.json").write_bytes(data)
    return source


def topic_file(source, table):
    topic = f"{USER_ID}.{table}"
    return Path(source) / "topics" / topic / "partition=0" / f"{topic}+0+0000000000.json"


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    source = tmp_path_factory.mktemp("sample")
    emulate(source, "--posts", 3000, "--seed", 7, "--records-per-file", 400)
    return source


def test_emulated_posts(sample, tmp_path):
    run = Run(sample, tmp_path / "results")
    output = run.all()
    run.check()
    assert output.splitlines()[-1] == str(tmp_path / "results")


def test_yaml_gives_the_tasks_these_arguments(tmp_path):
    yaml = pytest.importorskip("yaml")
    dag = yaml.safe_load((DAG / "pinterest_batch.yaml").read_text())
    run = Run("/source", "/output", "user", 3)
    params = {"source": "/source", "output": "/output", "user_id": "user", "max_bad_records": "3"}
    assert set(dag["params"]) == set(params)
    for task, body in dag["tasks"].items():
        command = [re.sub(r"{{ params\.(\w+) }}", lambda match: params[match[1]], word)
                   for word in body["command"]]
        assert command == run.command(task)
    upstream = {task: body.get("depends_on") for task, body in dag["tasks"].items()}
    cleans = ["clean_geo", "clean_pin", "clean_user"]
    assert upstream == {"load": None, **dict.fromkeys(cleans, "load"), "query": cleans}
    assert dag["default_args"] == {"retries": 1, "retry_delay": "2m"}


def test_summaries_and_xcoms(tmp_path, monkeypatch):
    emulate(tmp_path / "in", "--posts", 500)
    run = Run(tmp_path / "in", tmp_path / "out")
    records = reference.read_topic(run.source, USER_ID, "pin")[0]
    rows = len(reference.clean_pin(records))
    last = run.task("load").splitlines()[-1]
    assert json.loads(last) == {"pin": 500, "geo": 500, "user": 500, "bad_records": 0}
    monkeypatch.setenv("WEIR_OUTPUT", str(tmp_path / "xcom"))
    lines = run.task("clean_pin").splitlines()
    assert lines == [f"clean_pin: 500 raw, {500 - rows} duplicates dropped, {rows} rows", str(rows)]
    assert (tmp_path / "xcom").read_text() == f"raw_rows=500\nduplicates={500 - rows}\nrows={rows}\n"


def random_rows(seed):
    """Few inds, values and people, so that everything that can tie, repeat or be missing does."""
    pick = random.Random(seed)
    followers = ["12k", "3M", "431", "0", "1.5k", "2.25M", "7K", "1m", "User Info Error", "many", "", "k",
                 "1.2.3k", "12kk", "-5", "5.", "99999999999999", None, 431, "12k"]
    times = ["2022-05-27T11:30:59", "2018-01-01T00:00:00", "2017-12-31T23:59:59", "2019-02-29T10:00:00", None,
             "soon", "2020-02-29 10:00:00", "2021-13-01T00:00:00", "2019-06-31T01:01:01", "2020-12-31T23:30:00-02:00",
             "2015-10-24T11:23:51", "2016-06-01T00:00:00", "2020-01-01T00:00:00", "2021-01-01T00:00:00",
             "2018-05-05T05:05:05.250", "2019-05-05T25:00:00",
             "2019-05-05T24:00:00", "2019-05-05", "2019-05-05T10:00", "2019-05-05T10:00:00Z",
             "2019-05-05T10:00:00 x", "2019-05-05T10:00:60"]
    places = ["Aruba", "Côte d'Ivoire", "Korea, Republic of", 'The "Islands"', None, "Bahamas"]
    posters = ["Ann", 'Bo "the" Poster', "Cy, Dee", "Zoë", "User Info Error", None, "line\nbreak", " Ed ",
               "日本"]
    categories = ["art", "diy-and-crafts", "quotes", None]
    inds = range(pick.choice([3, 40, 400]))
    pin, geo, user = [], [], []
    for _ in range(300):
        pin.append({
            "index": pick.choice(inds), "unique_id": pick.choice("ab"), "downloaded": pick.randint(0, 1),
            "title": pick.choice(["T", "No Title Data Available", "no title data available"]),
            "description": pick.choice(["D", "Untitled", "No description available", "\\ \" \t 🎄",
                                        "No description available Story format", "Untitled."]),
            "follower_count": pick.choice(followers), "poster_name": pick.choice(posters),
            "tag_list": pick.choice(["a,b", "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e"]),
            "is_image_or_video": "image",
            "image_src": pick.choice(["x", "Image src error."]), "category": pick.choice(categories),
            "save_location": pick.choice(["Local save in /data/art", "/data/art", None])})
        geo.append({"ind": pick.choice(inds), "timestamp": pick.choice(times), "country": pick.choice(places),
                    "latitude": pick.choice([1.5, -89.9787, 10, None, "north"]), "longitude": -5.34445})
        user.append({"ind": pick.choice(inds), "first_name": pick.choice(["Ann", "Zoë", None]),
                     "last_name": pick.choice(["O'Dell", None]), "date_joined": pick.choice(times),
                     "age": pick.choice([17, 18, 24, 25, 35, 36, 50, 51, 90, None, "44", "old", ""])})
    for rows in (pin, geo, user):
        for row in rows[:50]:  # columns in another order, or missing instead of null
            items = [(name, value) for name, value in row.items() if value is not None or pick.random() < 0.5]
            pick.shuffle(items)
            rows.append(dict(items))
    return pin, geo, user


@pytest.mark.parametrize("seed", range(6))
def test_values_of_every_kind(tmp_path, seed):
    run = Run(write_topics(tmp_path / "in", *random_rows(seed)), tmp_path / "out")
    run.all()
    run.check()


def test_topics_without_records_give_headers(tmp_path):
    run = Run(write_topics(tmp_path / "in"), tmp_path / "out")
    run.all()
    run.check()
    assert all(len(rows) == 1 for rows in run.results().values())
    assert len(run.results()) == 9


GOOD = b'{"ind": 5, "country": "good"}'
BAD = {
    b'{"ind": 5': "malformed JSON",
    b"{'ind': 5}": "malformed JSON",
    b'{"ind": 5} {"ind": 6}': "malformed JSON",
    b'{"ind": 5, "country": "a\x1fb"}': "malformed JSON",
    b'{"ind": 5}\x1f': "malformed JSON",
    b'{"ind": 5}\x00': "malformed JSON",
    b'\x00{"ind": 5}': None,
    b'{"ind": 5, "country": "\xff"}': "not UTF-8",
    b'{"ind": 5, "country": "\xed\xa0\x80"}': "not UTF-8",
    b"[5]": "not a JSON object",
    b"5": "not a JSON object",
    b"null": "not a JSON object",
    b'{"Ind": 5}': 'no "ind"',
    b'{"ind": "5"}': '"ind" is not an integer',
    b'{"ind": 5.5}': '"ind" is not an integer',
    b'{"ind": null}': '"ind" is not an integer',
}


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_fails_with_file_and_line(tmp_path, line):
    run = Run(write_topics(tmp_path / "in", geo=[GOOD, b"", line, GOOD]), tmp_path / "out")
    output = run.task("load", status=1)
    assert f"{topic_file(run.source, 'geo')}:3: {BAD[line] or ''}" in output
    assert "load: error: 1 bad records, but max_bad_records is 0" in output
    assert not list(run.work.iterdir())


def test_bad_lines_up_to_max_bad_records_are_reported(tmp_path):
    source = write_topics(tmp_path / "in", geo=[GOOD, *BAD, GOOD], pin=[b"?", {"index": 5}],
                          user=[b"{}", {"ind": 5, "age": 20, "date_joined": "2015-01-01T00:00:00"}])
    count = len(BAD) + 2
    assert "is 17" in Run(source, tmp_path / "out", max_bad=count - 1).task("load", status=1)
    run = Run(source, tmp_path / "out", max_bad=count)
    output = run.task("load")
    for table in KEYS:
        for path, line in reference.read_topic(source, USER_ID, table)[1]:
            assert f"{path}:{line}: " in output
    assert json.loads(output.splitlines()[-1]) == {"pin": 1, "geo": 2, "user": 1, "bad_records": count}
    run.all()
    run.check()


def test_many_bad_lines_are_counted_and_the_first_are_shown(tmp_path):
    run = Run(write_topics(tmp_path / "in", geo=[b"{"] * 5000), tmp_path / "out")
    output = run.task("load", status=1)
    assert "5000 bad records" in output and "... and 4980 more" in output
    assert output.count("malformed JSON") == 20


def test_odd_but_good_lines(tmp_path):
    huge = {"ind": 8, "country": "x" * 5_000_000}
    source = write_topics(tmp_path / "in", geo=[b'\t{"ind": 7}\r', b"", b" \t\r", huge], pin=[{"index": 7}])
    with topic_file(source, "geo").open("ab") as file:
        file.write(b'{"ind": 9, "country": "no line feed"}')
    (topic_file(source, "geo").parent / "empty.json").touch()
    run = Run(source, tmp_path / "out")
    run.all()
    run.check()
    assert len(run.rows("geo")[1]) == 3


def test_missing_topics_are_all_named(tmp_path):
    source = write_topics(tmp_path / "in")
    output = Run(source, tmp_path / "out", user_id="nobody").task("load", status=1)
    for table in KEYS:
        assert f"{source}/topics/nobody.{table}" in output
    topic_file(source, "user").unlink()
    output = Run(source, tmp_path / "out").task("load", status=1)
    assert f"no partition=*/*.json in {source}/topics/{USER_ID}.user" in output


def test_a_folder_in_place_of_a_file(tmp_path):
    source = write_topics(tmp_path / "in")
    topic_file(source, "geo").unlink()
    topic_file(source, "geo").mkdir()
    assert f"not a file: {topic_file(source, 'geo')}" in Run(source, tmp_path / "out").task("load", status=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path):
    source = write_topics(tmp_path / "in")
    topic_file(source, "geo").chmod(0)
    assert f"cannot read {topic_file(source, 'geo')}" in Run(source, tmp_path / "out").task("load", status=1)


@pytest.mark.parametrize("user_id", ["x'; rm -rf", "", "..", "../x", "a b", "$(touch hacked)", "-h", "a\nb", "*",
                                     "é"])
def test_hostile_user_ids(tmp_path, user_id):
    source = write_topics(tmp_path / "in", user_id="x")
    output = Run(source, tmp_path / "out", user_id=user_id).task("load", status=1)
    assert output.startswith("load: error: user_id '")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("max_bad", ["-1", "", "1.5", "1 -o 1", "9" * 40])
def test_wrong_max_bad_records(tmp_path, max_bad):
    assert "is not a whole number" in Run(tmp_path, tmp_path, max_bad=max_bad).task("load", status=1)


@pytest.mark.parametrize("name", ["with blank", "it's", 'a "quote"', "semi;colon$(x)`y`", "-dash", "back\\slash",
                                  "[*]?", "line\nbreak", "a=b", "ünï"])
def test_paths_with_any_characters(tmp_path, name):
    base = tmp_path / name
    emulate(base / "in", "--posts", 60, "--partitions", 2)
    for path in list((base / "in").glob("topics/*/partition=1/*.json")):
        path.rename(path.with_name(f"{name}.json"))
    run = Run(base / "in", base / "out")
    run.all()
    run.check()
    file = base / "in" / "topics" / f"{USER_ID}.pin" / "partition=1" / f"{name}.json"
    with file.open("a") as out:
        out.write("?\n")
    line = len(file.read_text().splitlines())
    assert f"{file}:{line}: malformed JSON" in run.task("load", status=1)


def digest(run):
    """Everything that a run has made, less temporary things."""
    tables = {table: sorted(map(repr, run.rows(table)[1])) for table in KEYS}
    return hashlib.sha256(repr((tables, sorted(run.results().items()))).encode()).hexdigest()


@pytest.mark.parametrize("task", ["load", "clean_geo", "clean_pin", "clean_user", "query"])
def test_a_task_killed_at_any_point_can_run_again(sample, tmp_path, task):
    run = Run(sample, tmp_path / "out")
    run.all()
    before = digest(run)
    begin = time.monotonic()
    run.task(task)
    duration = time.monotonic() - begin
    for step in range(8):
        process = run.start(task)
        time.sleep(duration * step / 8)  # waits for nothing: it chooses where the task dies
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if task != "query":  # what was published is whole: the next task works on it, old or new
            assert digest(run) == before
        run.task(task)
        assert digest(run) == before
    run.check()


def test_a_canceled_task_leaves_nothing(sample, tmp_path):
    run = Run(sample, tmp_path / "out")
    run.work.mkdir(parents=True)
    process = run.start("load")
    folder = wait_until(lambda: next(run.work.glob("load.tmp.*"), None), folder=run.work, what="the temporary folder")
    wait_until((folder / "raw_pin.db").exists, folder=folder, what="the database in it")
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate()
    assert process.returncode != 0
    assert not list(run.work.iterdir())


def test_tasks_without_their_upstream(tmp_path):
    run = Run(tmp_path, tmp_path / "out")
    assert "raw_pin.db is missing: run or clear the task load" in run.task("clean_pin", status=1)
    assert "run or clear the task clean_" in run.task("query", status=1)
    assert not list(run.work.glob("*.db"))


def test_runs_do_not_disturb_each_other(tmp_path):
    sources = [tmp_path / f"in{i}" for i in range(3)]
    for i, source in enumerate(sources):
        emulate(source, "--posts", 200 + i, "--seed", i)
    same, other = tmp_path / "same", tmp_path / "other"
    runs = [Run(sources[0], same, run_id="a"), Run(sources[1], same, run_id="b"),
            Run(sources[2], other, run_id="a")]
    for task in ("load", "clean_geo", "clean_pin", "clean_user"):
        for process in [run.start(task) for run in runs]:
            output = process.communicate()[0]
            assert process.returncode == 0, output
    runs[2].task("query")
    for run in (runs[1], runs[0]):  # the last one to publish has its results there, whole
        run.task("query")
        run.check()
    runs[2].check()


def test_old_work_folders_are_removed(tmp_path):
    emulate(tmp_path / "in", "--posts", 10)
    old, young, now = (Run(tmp_path / "in", tmp_path / "out", run_id=name) for name in ("old", "young", "now"))
    old.task("load")
    young.task("load")
    os.utime(old.work, (time.time() - 9 * 86400,) * 2)
    os.utime(young.work, (time.time() - 5 * 86400,) * 2)
    now.task("load")
    assert not old.work.exists() and young.work.exists()


def test_a_users_sqliterc_changes_nothing(sample, tmp_path, monkeypatch):
    (tmp_path / ".sqliterc").write_text(".headers on\n.mode box\n.nullvalue NULL\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    run = Run(sample, tmp_path / "out")
    run.all()
    run.check()


