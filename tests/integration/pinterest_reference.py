# SPDX-License-Identifier: MIT
"""What the Pinterest batch DAG must compute, written a second time.

Plain Python, no SQL and nothing shared with dags/pinterest: the tests run both and compare. A clean table is a
set of tuples in the order of its columns; a result is a list of rows of strings, as csv.reader gives them.
"""
import json
import math
import re
from collections import Counter, defaultdict
from datetime import datetime, timezone
from pathlib import Path

PIN = ("ind", "unique_id", "title", "description", "follower_count", "poster_name", "tag_list",
       "is_image_or_video", "image_src", "save_location", "category")
GEO = ("ind", "country", "coordinates", "timestamp")
USER = ("ind", "user_name", "age", "date_joined")

NOTHING = {
    "follower_count": {"User Info Error"},
    "poster_name": {"User Info Error"},
    "description": {"No description available Story format", "No description available", "Untitled"},
    "title": {"No Title Data Available"},
    "image_src": {"Image src error."},
    "tag_list": {"N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e"},
}
AGE_GROUPS = ("18-24", "25-35", "36-50", "+50")


def read_topic(source, user_id, table):
    """Records and the (path, line) of bad lines of one topic."""
    key = "index" if table == "pin" else "ind"
    records, bad = [], []
    for path in sorted(Path(source, "topics", f"{user_id}.{table}").glob("partition=*/*.json")):
        lines = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            if not line.strip(b" \t\r"):
                continue
            try:
                record = json.loads(line.decode("utf-8"))
            except ValueError:
                record = None
            if not isinstance(record, dict) or type(record.get(key)) is not int:
                bad.append((str(path), number))
            else:
                records.append(record)
    return records, bad


def followers(value):
    match = re.fullmatch(r"(\d[\d.]*)([kKmM]?)", str(value), re.ASCII) if value is not None else None
    if not match or match[1].count(".") > 1 or match[1].endswith(".") or len(match[1]) > 13:
        return None
    number = float(match[1]) * {"": 1, "k": 1000, "m": 1000000}[match[2].lower()]
    return math.floor(number + 0.5)


def moment(value):
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", value, re.ASCII):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    if time.tzinfo:
        time = time.astimezone(timezone.utc)
    return time.strftime("%Y-%m-%d %H:%M:%S")


def clean_pin(records):
    rows = set()
    for record in records:
        row = {name: None if record.get(name) in NOTHING.get(name, ()) else record.get(name) for name in PIN}
        row["ind"] = record["index"]
        row["follower_count"] = followers(row["follower_count"])
        if row["save_location"] is not None:
            row["save_location"] = row["save_location"].replace("Local save in ", "")
        rows.add(tuple(row[name] for name in PIN))
    return rows


def clean_geo(records):
    rows = set()
    for record in records:
        point = (record.get("latitude"), record.get("longitude"))
        if not all(type(degrees) in (int, float) for degrees in point):
            point = None
        rows.add((record["ind"], record.get("country"), point, moment(record.get("timestamp"))))
    return rows


def clean_user(records):
    rows = set()
    for record in records:
        names = [record[name] for name in ("first_name", "last_name") if record.get(name) is not None]
        age = record.get("age")
        if isinstance(age, str) and re.fullmatch(r"\d+", age, re.ASCII):
            age = int(age)
        rows.add((record["ind"], " ".join(names) if names else None, age if type(age) is int else None,
                  moment(record.get("date_joined"))))
    return rows


def year(time):
    return None if time is None else int(time[:4])


def age_group(age):
    if age is None or age < 18:
        return None
    for group, last in zip(AGE_GROUPS, (24, 35, 50)):
        if age <= last:
            return group
    return AGE_GROUPS[-1]


def lower_median(values):
    return sorted(values)[(len(values) - 1) // 2]


def most_popular(pairs, order):
    """Rows (group, category, count) of (group, category) pairs: the most frequent of each group, and ties."""
    counts = defaultdict(Counter)
    for group, category in pairs:
        counts[group][category] += 1
    rows = []
    for group in sorted(counts, key=order):
        best = max(counts[group].values())
        rows += [(group, category, best) for category, n in sorted(counts[group].items()) if n == best]
    return rows


def medians(pairs, order):
    groups = defaultdict(list)
    for group, count in pairs:
        groups[group].append(count)
    return [(group, lower_median(groups[group])) for group in sorted(groups, key=order)]


def join(left, right):
    by_ind = defaultdict(list)
    for row in right:
        by_ind[row["ind"]].append(row)
    return [{**mine, **yours} for mine in left for yours in by_ind[mine["ind"]]]


def query(pin, geo, user):
    """The nine results of three clean tables: {name: [header, row, ...]}."""
    pins = [dict(zip(PIN, row)) for row in pin]
    users = [dict(zip(USER, row)) for row in user]
    placed = join(pins, [dict(zip(GEO, row)) for row in geo])
    posted = join(pins, users)
    plain = lambda value: value  # noqa: E731
    by_age = AGE_GROUPS.index

    best = {}
    for row in placed:
        if row["country"] is not None and row["follower_count"] is not None:
            best[row["country"]] = max(best.get(row["country"], 0), row["follower_count"])
    tops = {(row["country"], row["poster_name"], row["follower_count"]) for row in placed
            if row["country"] in best and row["follower_count"] == best[row["country"]]}
    tops = sorted(tops, key=lambda row: (row[0], row[1] is not None, row[1] or ""))
    top_country = sorted(best.items(), key=lambda row: (-row[1], row[0]))[:1]

    joined = defaultdict(set)
    for row in users:
        joined[year(row["date_joined"])].add(row["ind"])

    followed = [(age_group(row["age"]), year(row["date_joined"]), row["follower_count"]) for row in posted
                if row["follower_count"] is not None]
    years = range(2015, 2021)
    by_both = [((group, joining), count) for group, joining, count in followed if group and joining in years]
    results = {
        "category_by_country": [("country", "category", "category_count")] + most_popular(
            ((row["country"], row["category"]) for row in placed
             if row["country"] is not None and row["category"] is not None), plain),
        "category_by_year": [("post_year", "category", "category_count")] + most_popular(
            ((year(row["timestamp"]), row["category"]) for row in placed
             if year(row["timestamp"]) in range(2018, 2023) and row["category"] is not None), plain),
        "top_user_by_country": [("country", "poster_name", "follower_count")] + tops,
        "top_country": [("country", "follower_count")] + top_country,
        "category_by_age_group": [("age_group", "category", "category_count")] + most_popular(
            ((age_group(row["age"]), row["category"]) for row in posted
             if age_group(row["age"]) and row["category"] is not None), by_age),
        "median_followers_by_age_group": [("age_group", "median_follower_count")] + medians(
            ((group, count) for group, _, count in followed if group), by_age),
        "users_joined_by_year": [("post_year", "number_users_joined")] + [
            (number, len(joined[number])) for number in years if joined.get(number)],
        "median_followers_by_join_year": [("post_year", "median_follower_count")] + medians(
            ((joining, count) for _, joining, count in followed if joining in years), plain),
        "median_followers_by_join_year_and_age_group": [
            ("age_group", "post_year", "median_follower_count"),
            *((*key, count) for key, count in medians(by_both, lambda key: (by_age(key[0]), key[1])))],
    }
    return {name: [["" if value is None else str(value) for value in row] for row in rows]
            for name, rows in results.items()}


def run(source, user_id):
    """Clean tables and results of a whole source, leaving out bad lines."""
    pin, geo, user = (read_topic(source, user_id, table)[0] for table in ("pin", "geo", "user"))
    tables = clean_pin(pin), clean_geo(geo), clean_user(user)
    return tables, query(*tables)
