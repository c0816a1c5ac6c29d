-- SPDX-License-Identifier: MIT
-- Backfills: runs of past dates, made all at once and run under a limit of their own.

CREATE TABLE backfill (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    dag_id TEXT NOT NULL REFERENCES dag (dag_id) ON DELETE CASCADE,
    from_date_us INTEGER NOT NULL,
    to_date_us INTEGER NOT NULL,
    reprocess_behavior TEXT NOT NULL CHECK (reprocess_behavior IN ('none', 'failed', 'completed')),
    run_backwards INTEGER NOT NULL CHECK (run_backwards IN (0, 1)),
    max_active_runs INTEGER NOT NULL CHECK (max_active_runs >= 1),
    is_paused INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    conf TEXT CHECK (json_valid(conf) AND substr(conf, 1, 1) = '{'), -- null: none was given
    triggering_user_name TEXT,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    completed_at_us INTEGER,
    CHECK (from_date_us <= to_date_us)
) STRICT;

CREATE INDEX backfill_of_dag ON backfill (dag_id, id);
-- There can be only one running backfill per DAG.
CREATE UNIQUE INDEX backfill_unfinished ON backfill (dag_id) WHERE completed_at_us IS NULL;

-- The dates of a backfill in their order, each with its run, or with the reason why there is none of its own.
CREATE TABLE backfill_dag_run (
    backfill_id INTEGER NOT NULL REFERENCES backfill (id) ON DELETE CASCADE,
    sort_ordinal INTEGER NOT NULL CHECK (sort_ordinal >= 1),
    logical_date_us INTEGER NOT NULL,
    dag_run_id INTEGER REFERENCES dag_run (id) ON DELETE SET NULL,
    exception_reason TEXT CHECK (exception_reason IN ('already exists', 'in flight')),
    PRIMARY KEY (backfill_id, sort_ordinal),
    CHECK (exception_reason IS NULL OR dag_run_id IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX backfill_dag_run_of_run ON backfill_dag_run (dag_run_id);
CREATE INDEX dag_run_of_backfill ON dag_run (backfill_id, state) WHERE backfill_id IS NOT NULL;

PRAGMA user_version = 2;
