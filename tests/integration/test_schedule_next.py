# SPDX-License-Identifier: MIT
"""`weir schedule next` beside Debian's cron, row by row: where seven implementations of cron differ, this is what Debian's
does (Apia is cronsim's reading of it). Fires in (from, until], in UTC."""

import pytest

NEW_YORK, BEIRUT, SAO_PAULO = "America/New_York", "Asia/Beirut", "America/Sao_Paulo"
LORD_HOWE, APIA = "Australia/Lord_Howe", "Pacific/Apia"

FIRES = [
    # days of month and of week: either, but both when one of them begins with a star
    ("0 0 1,15 * MON", "UTC", "2026-06-01T12:00", "2026-06-16", "06-08T00:00 06-15T00:00"),
    ("0 0 1,15 * MON", "UTC", "2026-08-28", "2026-09-08", "08-31T00:00 09-01T00:00 09-07T00:00"),
    ("0 0 */2 * MON", "UTC", "2026-06-01T12:00", "2026-07-01", "06-15T00:00 06-29T00:00"),
    ("0 0 1-31 * MON", "UTC", "2026-06-01", "2026-06-04", "06-02T00:00 06-03T00:00 06-04T00:00"),
    # 7 is Sunday: 2026-06-07
    ("0 0 * * 7", "UTC", "2026-06-01", "2026-06-14", "06-07T00:00 06-14T00:00"),
    ("0 0 * * 5-7", "UTC", "2026-06-01", "2026-06-09", "06-05T00:00 06-06T00:00 06-07T00:00"),
    ("0 0 * * 0-7", "UTC", "2026-06-06", "2026-06-08", "06-07T00:00 06-08T00:00"),
    # the gap in spring: 02:00 to 03:00 on 2026-03-08, 07:00Z
    ("30 2 * * *", NEW_YORK, "2026-03-07T12:00", "2026-03-09T12:00", "03-08T07:00 03-09T06:30"),
    ("15,45 2 * * *", NEW_YORK, "2026-03-07T12:00", "2026-03-09", "03-08T07:00"),
    ("*/20 2 * * *", NEW_YORK, "2026-03-07T12:00", "2026-03-09", ""),
    ("0 */2 * * *", NEW_YORK, "2026-03-08T05:00", "2026-03-08T08:00", "03-08T08:00"),
    # the overlap in autumn: 01:00 to 02:00 twice on 2026-11-01, 05:00Z and 06:00Z
    ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", "2026-11-02T12:00", "11-01T05:30 11-02T06:30"),
    ("0 * * * *", NEW_YORK, "2026-11-01T04:30", "2026-11-01T07:00", "11-01T05:00 11-01T06:00 11-01T07:00"),
    ("*/30 * * * *", NEW_YORK, "2026-11-01T05:00", "2026-11-01T07:00",
     "11-01T05:30 11-01T06:00 11-01T06:30 11-01T07:00"),
    ("30 1-3 * * *", NEW_YORK, "2026-11-01T04:00", "2026-11-01T12:00", "11-01T05:30 11-01T07:30 11-01T08:30"),
    # a gap at midnight; half an hour; a day that was none
    ("0 0 * * *", BEIRUT, "2026-03-28T12:00", "2026-03-29T12:00", "03-28T22:00"),
    ("0 0 * * *", SAO_PAULO, "2018-11-03T12:00", "2018-11-04T12:00", "11-04T03:00"),
    ("0 2 * * *", LORD_HOWE, "2026-10-03T12:00", "2026-10-04T12:00", "10-03T15:30"),
    ("0 12 * * *", APIA, "2011-12-29T12:00", "2011-12-31", "12-29T22:00 12-30T10:00 12-30T22:00"),
]

# Debian's cron refuses these, or lets them through and then never fires: ranges that run backwards, Feb 30.
REFUSED = ["0 0 * * FRI-MON", "0 0 * * 6-0", "0 22-2 * * *", "? * * * *", "0 0 ? * MON", "0 0 15W * *", "@reboot",
           "1,2,,3 * * * *", "+5 * * * *", "0 0 30 2 *", "H * * * *", "0~30 * * * *"]

# Additions that Debian's cron does not have, and presets that it has.
MORE = [
    ("5/15 * * * *", "2026-06-01", "06-01T00:05 06-01T00:20 06-01T00:35 06-01T00:50"),
    ("0 0 L * *", "2026-02-10", "02-28T00:00 03-31T00:00"),
    ("0 0 LW * *", "2026-01-10", "01-30T00:00 02-27T00:00"),
    ("0 0 * * 5L", "2026-01-10", "01-30T00:00 02-27T00:00"),
    ("0 0 * * MON#1", "2026-01-10", "02-02T00:00 03-02T00:00"),
    ("@daily", "2026-01-10", "01-11T00:00 01-12T00:00"),
]


def instant(text):
    return text + ("" if "T" in text else "T00:00") + ":00Z"


def next_fires(weir, expression, zone, start, count):
    result = weir("schedule", "next", expression, "--timezone", zone, "--from", instant(start), "--count", str(count))
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == count and lines == sorted(set(lines))
    assert all(line.endswith(":00Z") for line in lines)
    return lines


@pytest.mark.parametrize("expression, zone, start, until, fires", FIRES)
def test_fires_as_debians_cron_does(weir, expression, zone, start, until, fires):
    wanted = fires.split()
    lines = next_fires(weir, expression, zone, start, len(wanted) + 1)
    assert [line[5:16] for line in lines[:-1]] == wanted
    assert lines[-1] > instant(until)  # and none besides


@pytest.mark.parametrize("expression", REFUSED)
def test_refuses_what_debians_cron_refuses(weir, expression):
    result = weir("schedule", "next", expression)
    assert result.returncode == 1 and result.stdout == ""
    assert "column" in result.stderr


@pytest.mark.parametrize("expression, start, fires", MORE)
def test_additions(weir, expression, start, fires):
    wanted = fires.split()
    assert [line[5:16] for line in next_fires(weir, expression, "UTC", start, len(wanted))] == wanted
