-- SPDX-License-Identifier: MIT
-- Hooks: commands that DAG files have run when an attempt or a run has ended. A row is the intent to run one.

CREATE TABLE hook (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, -- names its attempts to executors: never given twice
    dag_run_id INTEGER NOT NULL REFERENCES dag_run (id) ON DELETE CASCADE,
    task_id TEXT, -- null: of the run
    event TEXT NOT NULL CHECK (event = 'on_success' OR event = 'on_failure' OR event = 'on_retry'),
    -- What it tells of: an attempt of the task, or the run.
    try_number INTEGER CHECK (try_number >= 1),
    max_tries INTEGER CHECK (max_tries >= 0),
    told_state TEXT NOT NULL CHECK (told_state = 'success' OR told_state = 'failed' OR told_state = 'up_for_retry'),
    told_reason TEXT,
    told_exit_code INTEGER,
    told_term_signal INTEGER CHECK (told_term_signal > 0),
    -- How far it is.
    state TEXT NOT NULL CHECK (state = 'queued' OR state = 'running' OR state = 'success' OR state = 'failed'),
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    end_reason TEXT, -- of its latest attempt that has ended
    exit_code INTEGER,
    term_signal INTEGER CHECK (term_signal > 0),
    created_at_us INTEGER NOT NULL,
    next_attempt_us INTEGER,
    start_date_us INTEGER,
    end_date_us INTEGER,
    CHECK ((task_id IS NULL) = (try_number IS NULL)),
    CHECK ((task_id IS NULL) = (max_tries IS NULL)),
    CHECK ((state = 'queued') = (next_attempt_us IS NOT NULL)),
    CHECK ((state = 'success' OR state = 'failed') = (end_date_us IS NOT NULL)),
    CHECK (state <> 'running' OR (attempt >= 1 AND start_date_us IS NOT NULL)),
    CHECK (state <> 'success' OR (exit_code IS 0 AND term_signal IS NULL))
) STRICT;

CREATE INDEX hook_of_run ON hook (dag_run_id, id);
CREATE INDEX hook_due ON hook (next_attempt_us, id) WHERE state = 'queued';
CREATE INDEX hook_running ON hook (id) WHERE state = 'running';

PRAGMA user_version = 3;
