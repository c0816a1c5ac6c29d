/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#define OPTIONS(...)                                                                                         \
    (const Option[])                                                                                         \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            NULL                                                                                             \
        }                                                                                                    \
    }

#define LATEST_VERSION                                                                                       \
    {                                                                                                        \
        "run-on-latest-version", 0, OPTION_SWITCH, NULL,                                                     \
            "move the run to the DAG as its file is now (default: yes)"                                      \
    }
#define YES                                                                                                  \
    {                                                                                                        \
        "yes", 'y', OPTION_FLAG, NULL, "do not ask; without a terminal nothing is asked anyway"              \
    }
#define PARAM                                                                                                \
    {                                                                                                        \
        "param", 'p', OPTION_LIST, "KEY=VALUE", "one of the DAG's params; may be repeated"                   \
    }
#define CONF                                                                                                 \
    {                                                                                                        \
        "conf", 'c', OPTION_VALUE, "JSON", "params as one JSON object"                                       \
    }
#define DRY_RUN                                                                                              \
    {                                                                                                        \
        "dry-run", 0, OPTION_FLAG, NULL, "only show what would be done"                                      \
    }
#define UPSTREAM                                                                                             \
    {                                                                                                        \
        "upstream", 'u', OPTION_FLAG, NULL, "also all tasks upstream of them"                                \
    }
#define DOWNSTREAM                                                                                           \
    {                                                                                                        \
        "downstream", 'd', OPTION_FLAG, NULL, "also all tasks downstream of them"                            \
    }

#define NO_WAIT                                                                                              \
    {                                                                                                        \
        "no-wait", 0, OPTION_FLAG, NULL, "fail if another weir works on this home, instead of standing by"   \
    }
#define KILL_TASKS                                                                                           \
    {                                                                                                        \
        "kill-tasks", 0, OPTION_FLAG, NULL, "when stopped, end the tasks first (default: they go on)"        \
    }
#define MIDNIGHT                                                                                             \
    "A date without a time is its midnight: with -e 2026-01-31, what is due later that day is left out."
#define SERVICE_NOTES                                                                                        \
    "Logs to stderr, one line an event. SIGTERM or Ctrl-C stops it within a second; running tasks go on "    \
    "and\n"                                                                                                  \
    "are taken up again by the next start. A second one on the same home waits and takes over."

const Verb all_verbs[] = {
    {NULL, "run", "DAG_OR_FILE", "one run to its end in the foreground, with live progress",
     "weir run pinterest_batch -p user_id=0ab336d6fcf7\n"
     "weir run ./etl.yaml --run-id nightly-2026-01-01",
     OPTIONS(
         {"logical-date", 'l', OPTION_VALUE, "TIME", "the run's logical date (default: now)"},
         {"run-id", 'r', OPTION_VALUE, "RUN_ID", "name the run, or continue or show the run of that name"},
         PARAM, CONF, LATEST_VERSION),
     verb_run,
     "Exit status: 0 if the run succeeded, 1 if it failed or could not be run, 130 after Ctrl-C.\n"
     "Ctrl-C cancels the run and waits for its end; a second one leaves at once, and tasks go on.\n"
     "When the run has ended, its hooks are waited for; Ctrl-C leaves them to the next weir."},
    {NULL, "standalone", "", "as weir scheduler; its web page is not part of this version yet",
     "weir standalone", OPTIONS(NO_WAIT, KILL_TASKS), verb_standalone, SERVICE_NOTES},
    {NULL, "scheduler", "", "run what is due, until it is stopped", "weir scheduler --no-wait",
     OPTIONS(NO_WAIT, KILL_TASKS), verb_scheduler, SERVICE_NOTES},
    {NULL, "version", "", "print the version", "weir version", NULL, verb_version},
    {NULL, "info", "", "where things are and what runs", "weir info", NULL, verb_info},

    {"dags", "list", "", "the DAGs, their schedule and last run", "weir dags list -o json", NULL,
     verb_dags_list},
    {"dags", "details", "DAG", "all about one DAG", "weir dags details pinterest_batch", NULL,
     verb_dags_details},
    {"dags", "show", "DAG", "its tasks as a tree", "weir dags show pinterest_batch", NULL, verb_dags_show},
    {"dags", "validate", "[FILE_OR_FOLDER...]", "check DAG files (default: the DAG folder)",
     "weir dags validate dags/etl.yaml\nweir dags validate -v dags/", NULL, verb_dags_validate,
     "Prints FILE:LINE:COLUMN: error: ... for all that is wrong; exit status 1 if anything is.\n"
     "With -v also says when each good file fires next."},
    {"dags", "trigger", "DAG", "start a run", "weir dags trigger pinterest_batch -p user_id=0ab336d6fcf7",
     OPTIONS({"run-id", 'r', OPTION_VALUE, "RUN_ID", "name of the run (default: manual__TIME)"},
             {"logical-date", 'l', OPTION_VALUE, "TIME", "the run's logical date (default: now)"}, CONF,
             PARAM, {"note", 0, OPTION_VALUE, "TEXT", "a note for people"}),
     verb_dags_trigger},
    {"dags", "pause", "DAG", "stop scheduling a DAG", "weir dags pause pinterest_batch", NULL,
     verb_dags_pause},
    {"dags", "unpause", "DAG", "schedule a DAG again", "weir dags unpause pinterest_batch", NULL,
     verb_dags_unpause},
    {"dags", "next-execution", "DAG", "its next scheduled runs",
     "weir dags next-execution pinterest_batch -n 3",
     OPTIONS({"num-executions", 'n', OPTION_VALUE, "N", "how many (default: 1)"}), verb_dags_next_execution},
    {"dags", "list-runs", "DAG", "its runs, newest first",
     "weir dags list-runs pinterest_batch --state failed",
     OPTIONS({"state", 0, OPTION_VALUE, "STATE", "only those queued, running, success or failed"},
             {"limit", 0, OPTION_VALUE, "N", "at most so many"},
             {"start-date", 's', OPTION_VALUE, "TIME", "only those due at this time or later"},
             {"end-date", 'e', OPTION_VALUE, "TIME", "only those due at this time or earlier"}),
     verb_dags_list_runs, MIDNIGHT},
    {"dags", "list-hooks", "DAG [RUN]", "its hooks: what ran because something ended, newest first",
     "weir dags list-hooks pinterest_batch --state failed",
     OPTIONS({"state", 0, OPTION_VALUE, "STATE", "only those queued, running, success or failed"},
             {"limit", 0, OPTION_VALUE, "N", "at most so many"}),
     verb_dags_list_hooks,
     "RUN is a run id or a logical date; without it, those of all runs. See docs/hooks.md."},
    {"dags", "list-import-errors", "", "files of the DAG folder that cannot be used",
     "weir dags list-import-errors", NULL, verb_dags_list_import_errors},
    {"dags", "state", "DAG RUN", "the state of a run", "weir dags state pinterest_batch 2026-01-01", NULL,
     verb_dags_state},
    {"dags", "clear", "DAG", "run all or the failed tasks of a run again",
     "weir dags clear pinterest_batch --run-id RUN --only-failed",
     OPTIONS(
         {"run-id", 'r', OPTION_VALUE, "RUN", "which run: its run id or logical date"},
         {"only-failed", 'f', OPTION_FLAG, NULL, "only tasks that failed, or did not run because of that"},
         {"only-running", 0, OPTION_FLAG, NULL, "only tasks that are running"}, DRY_RUN, YES, LATEST_VERSION),
     verb_dags_clear},
    {"dags", "cancel", "DAG RUN", "end a run: its processes are stopped, it fails",
     "weir dags cancel pinterest_batch manual__2026-01-01T00:00:00+00:00", NULL, verb_dags_cancel},
    {"dags", "delete", "DAG", "delete a DAG's runs, their logs, and all that is stored of it",
     "weir dags delete old_etl", OPTIONS(YES), verb_dags_delete,
     "Its file stays: while it is in the DAG folder, the DAG comes back, without its past."},
    {"dags", "mark", "DAG RUN", "set the state of a run by hand",
     "weir dags mark pinterest_batch RUN --state success",
     OPTIONS({"state", 0, OPTION_VALUE, "STATE", "success or failed"}, DRY_RUN), verb_dags_mark},

    {"tasks", "list", "DAG", "the tasks of a DAG", "weir tasks list pinterest_batch", NULL, verb_tasks_list},
    {"tasks", "state", "DAG TASK RUN", "the state of a task in a run",
     "weir tasks state pinterest_batch load 2026-01-01", NULL, verb_tasks_state},
    {"tasks", "states-for-dag-run", "DAG RUN", "the states of all tasks of a run",
     "weir tasks states-for-dag-run pinterest_batch 2026-01-01", NULL, verb_tasks_states_for_dag_run},
    {"tasks", "logs", "DAG TASK RUN", "what an attempt has printed",
     "weir tasks logs -f pinterest_batch load 2026-01-01",
     OPTIONS({"follow", 'f', OPTION_FLAG, NULL, "go on until the task has ended"},
             {"try", 0, OPTION_VALUE, "N", "which try (default: the last)"}),
     verb_tasks_logs},
    {"tasks", "explain", "DAG TASK RUN", "why a task is not running",
     "weir tasks explain pinterest_batch query 2026-01-01", NULL, verb_tasks_explain,
     "Lists all that keeps it waiting: upstream tasks, limits and who is at them, pauses, retries.\n"
     "RUN is a run id or a logical date; RUN TASK does as well as TASK RUN."},
    {"tasks", "render", "DAG TASK RUN", "its templates, rendered for a run",
     "weir tasks render pinterest_batch load 2026-01-01", NULL, verb_tasks_render},
    {"tasks", "test", "DAG TASK [LOGICAL_DATE]", "run a task's command here, without a run",
     "weir tasks test pinterest_batch load 2026-01-01 -p user_id=0ab336d6fcf7", OPTIONS(PARAM),
     verb_tasks_test,
     "Nothing is waited for, limited, timed or recorded, and no hook runs: the command runs in this\n"
     "terminal, from the DAG file as it is now, with the environment that it would have. LOGICAL_DATE\n"
     "may be that of a run, or its run id: then with its params and XComs. The exit status is the\n"
     "command's."},
    {"tasks", "clear", "DAG", "run tasks again",
     "weir tasks clear pinterest_batch -t 'clean_.*' --run-id RUN -d",
     OPTIONS(
         {"task-regex", 't', OPTION_VALUE, "REGEX", "only tasks whose id matches"},
         {"run-id", 0, OPTION_VALUE, "RUN", "only this run: its run id or logical date"}, UPSTREAM,
         DOWNSTREAM,
         {"only-failed", 'f', OPTION_FLAG, NULL, "only tasks that failed, or did not run because of that"},
         {"only-running", 'r', OPTION_FLAG, NULL, "only tasks that are running"},
         {"start-date", 's', OPTION_VALUE, "TIME", "only runs of this logical date or later"},
         {"end-date", 'e', OPTION_VALUE, "TIME", "only runs of this logical date or earlier"}, DRY_RUN, YES,
         LATEST_VERSION),
     verb_tasks_clear, MIDNIGHT},
    {"tasks", "mark", "DAG RUN TASK...", "set the state of tasks by hand",
     "weir tasks mark pinterest_batch RUN load --state success",
     OPTIONS({"state", 0, OPTION_VALUE, "STATE", "success, failed or skipped"}, UPSTREAM, DOWNSTREAM,
             DRY_RUN),
     verb_tasks_mark},

    {"backfill", "create", "", "run a DAG for dates that are past",
     "weir backfill create --dag-id pinterest_batch --from-date 2025-01-01 --to-date 2025-12-31 --dry-run\n"
     "weir backfill create --dag-id pinterest_batch --from-date 2025-01-01 --to-date 2025-12-31 "
     "--reprocess-behavior failed",
     OPTIONS({"dag-id", 0, OPTION_VALUE, "DAG", "which DAG"},
             {"from-date", 0, OPTION_VALUE, "TIME", "the first logical date"},
             {"to-date", 0, OPTION_VALUE, "TIME", "the last logical date, itself included"},
             {"reprocess-behavior", 0, OPTION_VALUE, "WHICH",
              "do finished runs of these dates again: none (the default), failed, or completed (all)"},
             {"max-active-runs", 0, OPTION_VALUE, "N", "at most so many of its runs at once (default: 10)"},
             {"run-backwards", 0, OPTION_FLAG, NULL, "the latest date first"},
             {"dag-run-conf", 0, OPTION_VALUE, "JSON", "params of its runs as one JSON object"}, DRY_RUN,
             {"run-on-latest-version", 0, OPTION_SWITCH, NULL,
              "runs that are done again move to the DAG as its file is now (default: yes)"}),
     verb_backfill_create,
     "A date without a time is its midnight. Runs are queued all at once; a scheduler starts them, after\n"
     "other runs. Existing runs that are not done again are left alone. See docs/backfill.md."},
    {"backfill", "list", "", "backfills and how far they are, newest first", "weir backfill list",
     OPTIONS({"dag-id", 0, OPTION_VALUE, "DAG", "only those of this DAG"},
             {"limit", 0, OPTION_VALUE, "N", "at most so many"}),
     verb_backfill_list},
    {"backfill", "pause", "ID", "start no more of its runs", "weir backfill pause 3", NULL,
     verb_backfill_pause},
    {"backfill", "unpause", "ID", "go on with a paused one", "weir backfill unpause 3", NULL,
     verb_backfill_unpause},
    {"backfill", "cancel", "ID", "end it: its queued runs fail, those that run go on",
     "weir backfill cancel 3", NULL, verb_backfill_cancel},

    {"pools", "list", "", "the pools and who holds their slots", "weir pools list", NULL, verb_pools_list},
    {"pools", "get", "NAME", "one pool", "weir pools get default_pool", NULL, verb_pools_get},
    {"pools", "set", "NAME SLOTS [DESCRIPTION]", "make or change a pool; -1 slots are without limit",
     "weir pools set api 4 \"at most four calls at once\"",
     OPTIONS({"include-deferred", 0, OPTION_SWITCH, NULL, "deferred tasks hold their slots"}),
     verb_pools_set},
    {"pools", "delete", "NAME", "delete a pool", "weir pools delete api", NULL, verb_pools_delete},

    {"schedule", "next", "EXPR", "when a cron expression fires",
     "weir schedule next '30 2 * * *' --timezone Europe/London --count 3",
     OPTIONS({"timezone", 0, OPTION_VALUE, "TZ", "IANA name (default: UTC)"},
             {"from", 0, OPTION_VALUE, "TIME", "only times after this (default: now)"},
             {"count", 'n', OPTION_VALUE, "N", "how many (default: 1)"}),
     verb_schedule_next, "Prints one time a line, in UTC; with -v also on the clock of the zone."},

    {"db", "check", "", "is the database sound?", "weir db check", NULL, verb_db_check,
     "Reads all of it: pages, references, and what must hold between rows. Exit status 1 if\n"
     "anything is wrong. Whatever is running goes on meanwhile."},
    {"db", "migrate", "", "make the database, or bring it up to date", "weir db migrate", NULL,
     verb_db_migrate,
     "Whatever opens it for writing does that too; an older database is copied beside itself first."},
    {"db", "backup", "FILE", "copy the database into a new file", "weir db backup /backup/weir-monday.db",
     NULL, verb_db_backup,
     "Also while weir runs: the copy is the state of one moment, checked, and on the disk when\n"
     "this returns. An existing file is never overwritten."},
    {"db", "clean", "", "delete old runs with their logs",
     "weir db clean --clean-before-timestamp 2026-01-01 --dry-run",
     OPTIONS({"clean-before-timestamp", 0, OPTION_VALUE, "TIME", "delete runs that ended before this"},
             {"dag-ids", 0, OPTION_VALUE, "DAG,DAG...", "only runs of these"},
             {"batch-size", 0, OPTION_VALUE, "N", "so many runs at a time (default: 100)"}, DRY_RUN, YES),
     verb_db_clean,
     "Also deletes audit log events from before that time, and backfills and versions of DAG files that\n"
     "no run belongs to any more. Unfinished runs stay, and so does each DAG's last scheduled run, from\n"
     "which its schedule goes on. Whatever is running goes on meanwhile."},
    {"jobs", "check", "", "is a scheduler running?", "weir jobs check",
     OPTIONS({"job-type", 0, OPTION_VALUE, "TYPE", "SchedulerJob, the one kind there is"},
             {"local", 0, OPTION_FLAG, NULL, "only on this machine, as always"}),
     verb_jobs_check, "Exit status 0 if one answers within 10 seconds, else 1."},

    {"audit", "list", "", "what was done by hand, when and by whom, newest first",
     "weir audit list --dag-id pinterest_batch --limit 20",
     OPTIONS({"dag-id", 0, OPTION_VALUE, "DAG", "only what was done to this DAG, its runs and tasks"},
             {"run-id", 0, OPTION_VALUE, "RUN_ID", "only what was done to runs of that id"},
             {"event", 0, OPTION_VALUE, "EVENT", "only these, such as trigger_dag_run"},
             {"owner", 0, OPTION_VALUE, "USER", "only what this user did"},
             {"limit", 0, OPTION_VALUE, "N", "at most so many (default: 100)"},
             {"start-date", 's', OPTION_VALUE, "TIME", "only from this time on"},
             {"end-date", 'e', OPTION_VALUE, "TIME", "only until this time"}),
     verb_audit_list,
     "Each command that changed something has a row, whoever carried it out: a scheduler, a `weir run`, or\n"
     "the command itself while neither ran. What was refused has changed nothing and has none."},

    {"config", "list", "", "all settings and where each comes from",
     "weir config list\nWEIR__CORE__PARALLELISM=8 weir config list", NULL, verb_config_list,
     "They are set in $WEIR_HOME/weir.yaml, as in `core: {parallelism: 8}`, or by WEIR__SECTION__KEY in the\n"
     "environment, which goes first."},
    {"config", "get-value", "SECTION KEY", "one setting", "weir config get-value core parallelism", NULL,
     verb_config_get_value},

    {NULL, "__runner", "DIR", "own and watch task processes", "", NULL, verb_runner, .hidden = true,
     .raw = true},
    {NULL},
};
