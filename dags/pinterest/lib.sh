# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# What the three scripts share. Each sets `task` and `here` (the folder of the scripts), then sources this.
#
# No value from outside becomes SQL: user-given paths stay in the shell, quoted, and sqlite3 only ever sees
# names of ours, relative to the work folder that every script changes into.

: "${task:?}" "${here:?}"
export LC_ALL=C
unset CDPATH IFS

say() {
    printf '%s: %s\n' "$task" "$*"
}

fail() {
    printf '%s: error: %s\n' "$task" "$*" >&2
    exit 1
}

# usage WORDS: exit 2 after wrong arguments
usage() {
    printf 'usage: %s\n' "$*" >&2
    exit 2
}

# need PROGRAM...
need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || fail "the program $program is not installed"
    done
}

# absolute PATH: PATH, absolute, in $path; it may not exist yet
absolute() {
    case $1 in
    '') fail "an empty path" ;;
    /*) path=$1 ;;
    *) path=$PWD/$1 ;;
    esac
}

if [ -n "${WEIR_OUTPUT:-}" ]; then
    absolute "$WEIR_OUTPUT"
    WEIR_OUTPUT=$path
fi

# xcom KEY VALUE
xcom() {
    if [ -n "${WEIR_OUTPUT:-}" ]; then
        printf '%s=%s\n' "$1" "$2" >>"$WEIR_OUTPUT"
    fi
}

# sql ARGUMENT...: sqlite3 that stops at the first error and reads nobody's ~/.sqliterc
sql() {
    sqlite3 -batch -bail -init /dev/null "$@"
}

# check_id NAME VALUE: it is to be one component of a path
check_id() {
    case $2 in
    '' | [!A-Za-z0-9]* | *[!A-Za-z0-9_.~:+-]*)
        fail "$1 '$2' is not an id: letters, digits and _ . ~ : + - only, beginning with a letter or a digit"
        ;;
    esac
    [ "${#2}" -le 200 ] || fail "$1 is longer than 200 characters"
}

# enter_work OUTPUT: changes into this run's work folder, makes the attempt's own folder in it, $tmp, and has
# it removed at the end. What a killed attempt of this task left goes first.
enter_work() {
    absolute "$1"
    output=$path
    check_id dag_id "${WEIR_DAG_ID:-pinterest_batch}"
    check_id run_id "${WEIR_RUN_ID:-by_hand}"
    check_id task_id "$task"
    work=$output/.work/${WEIR_DAG_ID:-pinterest_batch}/${WEIR_RUN_ID:-by_hand}
    mkdir -p -- "$work" || fail "cannot create $work"
    cd -- "$work" || fail "cannot enter $work"
    rm -rf -- "./$task".tmp.* || true
    tmp=$(mktemp -d "$task.tmp.XXXXXX") || fail "cannot create a folder in $work"
    export SQLITE_TMPDIR="$work/$tmp"
    trap 'rm -rf -- "$tmp"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# publish FROM... TO: moves files into the folder TO, each at once and whole, on disk before anybody sees it
publish() {
    for file in "$@"; do to=$file; done
    while [ $# -gt 1 ]; do
        sync -- "$1"
        mv -fT -- "$1" "$to/${1##*/}"
        shift
    done
    sync -- "$to"
}
