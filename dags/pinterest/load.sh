#!/bin/sh
# SPDX-License-Identifier: MIT
#
# load: checks every line of the three topics and reads it into raw_<table>.db, one file a table, so that the
# cleaning tasks share nothing.
set -eu
task=load
here=$(cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

[ $# -eq 4 ] || usage 'load.sh SOURCE USER_ID OUTPUT MAX_BAD_RECORDS'
need sqlite3 awk grep iconv
user_id=$2
max_bad=$4
keep_days=${PINTEREST_KEEP_DAYS:-7}
check_id user_id "$user_id"
case $max_bad in
'' | *[!0-9]* | ?????????????????*) fail "max_bad_records '$max_bad' is not a whole number" ;;
esac
case $keep_days in
'' | *[!0-9]*) fail "PINTEREST_KEEP_DAYS '$keep_days' is not a whole number" ;;
esac
absolute "$1"
topics=$path/topics
for table in pin geo user; do
    [ -d "$topics/$user_id.$table" ] || missing="${missing:+$missing, }$topics/$user_id.$table"
done
[ -z "${missing:-}" ] || fail "missing topic: $missing"
enter_work "$3"

# list_files TABLE: number and path of each file of the topic, as rows for .import
list_files() {
    number=0
    for file in "$topics/$user_id.$1"/partition=*/*.json; do
        [ -e "$file" ] || [ -L "$file" ] || fail "no partition=*/*.json in $topics/$user_id.$1"
        [ -f "$file" ] || fail "not a file: $file"
        [ -r "$file" ] || fail "cannot read $file"
        number=$((number + 1))
        printf '%s\037%s\037-1\036' "$number" "$file"
    done
}

# number_lines NUMBER LIST: standard input as FILE US LINE US RECORD, after the last line FILE US -LINES US.
# The lines that LIST names get a control character in front, which makes them malformed.
number_lines() {
    awk -v file="$1" -v list="$2" '
        BEGIN { while ((getline line < list) > 0) bad[line]; for (line in bad) some = 1 }
        { print file "\037" NR "\037" (some && NR in bad ? "\002" $0 : $0) }
        END { print file "\037-" NR "\037" }'
}

# feed TABLE: every line of the topic. JSON allows no control characters, so NUL and US (the separator here)
# become another one: the record stays one field, and malformed.
feed() {
    number=0
    for file in "$topics/$user_id.$1"/partition=*/*.json; do
        number=$((number + 1))
        : >"$tmp/$1.not_utf8"
        if ! iconv -f UTF-8 -t UTF-8 <"$file" >/dev/null 2>&1; then
            LC_ALL=C.UTF-8 grep -naxv '.*' <"$file" | cut -d : -f 1 >"$tmp/$1.not_utf8" || true
        fi
        if grep -qaP '[\x00\x1f]' <"$file"; then
            tr '\000\037' '\001\001' <"$file" | number_lines "$number" "$tmp/$1.not_utf8"
        else
            number_lines "$number" "$tmp/$1.not_utf8" <"$file"
        fi
    done
}

# read_topic TABLE: fills $tmp/raw_TABLE.db. sqlite3 is stopped at its first errors; .done then is missing.
read_topic() {
    list_files "$1" >"$tmp/$1.files"
    cat "$here/sql/load.sql" "$here/sql/load_$1.sql" >"$tmp/$1.sql"
    {
        feed "$1" | sqlite3 -batch -bail -init "$tmp/$1.sql" "$tmp/raw_$1.db" 'BEGIN' \
            '.separator "\037" "\036"' ".import $tmp/$1.files files" \
            '.separator "\037" "\n"' '.import /dev/stdin incoming' 'COMMIT' >/dev/null && : >"$tmp/$1.done"
    } 2>&1 | head -n 20 >&2
    [ -e "$tmp/$1.done" ] || fail "could not read $topics/$user_id.$1"
    unread=$(sql "$tmp/raw_$1.db" 'SELECT path FROM unread LIMIT 1')
    [ -z "$unread" ] || fail "could not read all of $unread"
}

readers=
for table in pin geo user; do
    read_topic "$table" &
    readers="$readers $!"
done
failed=0
for reader in $readers; do
    wait "$reader" || failed=1
done
[ "$failed" -eq 0 ] || exit 1

bad=0
for table in pin geo user; do
    counts=$(sql -separator ' ' "$tmp/raw_$table.db" \
        'SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM bad), (SELECT count(*) FROM files)')
    # shellcheck disable=SC2086 # three numbers
    set -- $counts
    bad=$((bad + $2))
    say "$table: $1 records in $3 files, $2 bad"
    sql "$tmp/raw_$table.db" \
        "SELECT path || ':' || line || ': ' || reason FROM bad ORDER BY file, line LIMIT 20" >&2
    [ "$2" -le 20 ] || printf '... and %s more in %s\n' "$(($2 - 20))" "$topics/$user_id.$table" >&2
    summary="${summary:+$summary, }\"$table\": $1"
done
xcom bad_records "$bad"
if [ "$bad" -gt "$max_bad" ]; then
    fail "$bad bad records, but max_bad_records is $max_bad"
fi

publish "$tmp/raw_pin.db" "$tmp/raw_geo.db" "$tmp/raw_user.db" .
# Work folders of runs that nobody has touched for days go; each holds about as much as its run has read.
find "$output/.work" -mindepth 2 -maxdepth 2 -type d -mtime "+$keep_days" -exec rm -rf -- {} + || true
printf '{%s, "bad_records": %s}\n' "$summary" "$bad"
