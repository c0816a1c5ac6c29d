# SPDX-License-Identifier: MIT
"""pinterest-emulator: the data it makes, and what it refuses."""
import json
import subprocess
from collections import Counter
from pathlib import Path

from pinterest_run import EMULATOR, KEYS, emulate


def lines_of(source, table):
    return [json.loads(line) for path in sorted(Path(source).glob(f"topics/*.{table}/*/*.json"))
            for line in path.read_text(encoding="utf-8").splitlines()]


def test_emulator_is_deterministic(tmp_path):
    def tree(folder):
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        emulate(tmp_path / name, "--posts", 300, "--seed", seed, "--user-id", "u", "--records-per-file", 50)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert tree(tmp_path / "a").keys() and tree(tmp_path / "a") != tree(tmp_path / "c")
    names = {path.name for path in (tmp_path / "a" / "topics" / "u.pin" / "partition=1").iterdir()}
    assert {"u.pin+1+0000000000.json", "u.pin+1+0000000050.json"} <= names


def test_emulator_has_the_rates_of_the_real_data(tmp_path):
    posts = 30000
    emulate(tmp_path, "--posts", posts, "--seed", 3)
    pin, geo, user = (lines_of(tmp_path, table) for table in KEYS)
    assert len(pin) == len(geo) == len(user) == posts

    def rate(found, expected):
        """Counts of 137 real records; a fifth off is fine where there is enough of it."""
        assert abs(found / posts * 137 - expected) < max(0.2 * expected, 0.3), found

    for rows, key in ((pin, "index"), (geo, "ind"), (user, "ind")):
        rate(posts - len({row[key] for row in rows}), 6)
    assert {row["index"] for row in pin} == {row["ind"] for row in geo} == {row["ind"] for row in user}
    column = {name: Counter(row[name] for row in pin) for name in pin[0]}
    rate(column["follower_count"]["User Info Error"], 5)
    rate(column["poster_name"]["User Info Error"], 5)
    rate(column["description"]["No description available Story format"], 11)
    rate(column["description"]["No description available"], 1)
    rate(column["description"]["Untitled"], 1)
    rate(column["title"]["No Title Data Available"], 5)
    rate(column["image_src"]["Image src error."], 5)
    rate(column["tag_list"]["N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e"], 6)
    rate(column["downloaded"][0], 5)
    rate(column["is_image_or_video"]["image"], 120)
    rate(sum(n for count, n in column["follower_count"].items() if count.endswith("k")), 104)
    rate(sum(n for count, n in column["follower_count"].items() if count.endswith("M")), 9)
    rate(column["category"]["art"], 17)
    rate(sum(row["age"] == 20 for row in user), 34)
    rate(sum(row["age"] > 50 for row in user), 10)
    rate(sum(row["date_joined"][:4] == "2015" for row in user), 55)
    rate(sum(row["timestamp"][:4] == "2019" for row in geo), 33)
    rate(sum(row["country"][0] == "A" for row in geo), 57)
    assert any('"' in row["poster_name"] for row in pin) and any("," in row["poster_name"] for row in pin)
    assert any(not row["title"].isascii() for row in pin)


def test_emulator_usage(tmp_path):
    out = tmp_path / "out"
    for wrong in (["--posts", "-1"], ["--posts", "x"], ["--posts", "1e6"], ["--seed", ""],
                  ["--user-id", "../x"], ["--partitions", "0"], ["--nonsense"], ["stray"]):
        process = emulate(out, *wrong, check=False)
        assert process.returncode == 2 and process.stderr.startswith("pinterest-emulator: "), wrong
    assert subprocess.run([EMULATOR], capture_output=True).returncode == 2
    assert not out.exists()
    assert "--posts" in emulate(out, "--help").stdout
    assert emulate(tmp_path / "zero", "--posts", 0).returncode == 0


def test_emulator_replaces_only_when_told(tmp_path):
    emulate(tmp_path, "--posts", 5, "--user-id", "u")
    process = emulate(tmp_path, "--posts", 6, "--user-id", "u", check=False)
    assert process.returncode == 1 and "--force replaces it" in process.stderr
    emulate(tmp_path, "--posts", 4, "--user-id", "other")
    assert len(lines_of(tmp_path, "geo")) == 9
    emulate(tmp_path, "--posts", 7, "--user-id", "u", "--force")
    assert len(lines_of(tmp_path, "geo")) == 11
    assert [path.name for path in tmp_path.iterdir()] == ["topics"]


def test_emulator_reports_what_it_cannot_write(tmp_path):
    (tmp_path / "file").touch()
    process = emulate(tmp_path / "file", check=False)
    assert process.returncode == 1 and "cannot create" in process.stderr
    process = subprocess.run(["sh", "-c", 'ulimit -f 10; trap "" XFSZ; exec "$@"', "-", EMULATOR, "--out",
                              tmp_path / "out"], capture_output=True, text=True)
    assert process.returncode == 1 and "File too large" in process.stderr
    assert not any((tmp_path / "out").rglob("*.json"))
