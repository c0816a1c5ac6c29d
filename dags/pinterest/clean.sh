#!/bin/sh
# SPDX-License-Identifier: MIT
#
# clean_pin, clean_geo, clean_user: raw_<table>.db to clean_<table>.db, without dirty values and duplicates.
set -eu
task=clean
here=$(cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

[ $# -eq 2 ] || usage 'clean.sh pin|geo|user OUTPUT'
table=$1
case $table in
pin | geo | user) task=clean_$table ;;
*) usage 'clean.sh pin|geo|user OUTPUT' ;;
esac
need sqlite3
enter_work "$2"
[ -e "raw_$table.db" ] || fail "$work/raw_$table.db is missing: run or clear the task load"

# Relative to the work folder, and read only. What sqlite3 prints is: raw rows, clean rows.
counts=$(cat "$here/sql/clean.sql" "$here/sql/clean_$table.sql" | sql -separator ' ' \
    -cmd "ATTACH 'file:raw_$table.db?mode=ro' AS raw" "$tmp/clean_$table.db")
# shellcheck disable=SC2086 # two numbers
set -- $counts
[ $# -eq 2 ] || fail "sqlite3 answered '$counts'"
publish "$tmp/clean_$table.db" .

say "$1 raw, $(($1 - $2)) duplicates dropped, $2 rows"
xcom raw_rows "$1"
xcom duplicates "$(($1 - $2))"
xcom rows "$2"
printf '%s\n' "$2"
