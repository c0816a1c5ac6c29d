#!/bin/sh
# SPDX-License-Identifier: MIT
#
# query: joins the three clean tables on ind and writes the nine results, each as a CSV file.
set -eu
task=query
here=$(cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

[ $# -eq 1 ] || usage 'query.sh OUTPUT'
need sqlite3 flock
enter_work "$1"
for table in pin geo user; do
    [ -e "clean_$table.db" ] || fail "$work/clean_$table.db is missing: run or clear the task clean_$table"
done

# query.sql reads ../clean_*.db, writes NAME.csv here and prints "NAME ROWS" of each.
counts=$(cd -- "$tmp" && cat "$here/sql/query.sql" "$here/sql/write.sql" | sql -separator ' ' :memory:)

# Two runs with the same output take turns, so that the nine files come from one of them.
exec 9>"$output/.work/publish.lock"
flock 9
publish "$tmp"/*.csv "$output"
flock -u 9

printf '%s\n' "$counts" | while read -r name rows; do
    say "$name.csv: $rows rows"
    xcom "$name" "$rows"
done
printf '%s\n' "$output"
