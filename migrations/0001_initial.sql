-- SPDX-License-Identifier: MIT
-- The first schema. Names follow Airflow's REST JSON; times are microseconds since the epoch, UTC, and end in _us.
-- Each migration runs in one transaction, with foreign keys off until its end, and sets user_version last.
PRAGMA application_id = 0x77656972; -- "weir"

CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The greatest ids that deletes have taken away: an id is never given twice (see the triggers at the end).
CREATE TABLE id_counter (
    name TEXT PRIMARY KEY NOT NULL CHECK (name IN ('dag_run', 'task_instance')),
    last_deleted_id INTEGER NOT NULL CHECK (last_deleted_id >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO id_counter VALUES ('dag_run', 0), ('task_instance', 0);

-- A DAG file as it was; runs are pinned to one. Never changed.
CREATE TABLE dag_version (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    dag_id TEXT NOT NULL,
    version_number INTEGER NOT NULL CHECK (version_number >= 1),
    content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
    fileloc TEXT,
    folder TEXT NOT NULL,
    source TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (dag_id, version_number),
    UNIQUE (dag_id, content_hash)
) STRICT;

CREATE TABLE dag (
    dag_id TEXT PRIMARY KEY NOT NULL CHECK (length(dag_id) BETWEEN 1 AND 200),
    is_paused INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    is_stale INTEGER NOT NULL CHECK (is_stale IN (0, 1)),
    has_import_errors INTEGER NOT NULL CHECK (has_import_errors IN (0, 1)),
    fileloc TEXT,
    folder TEXT NOT NULL,
    description TEXT,
    owner TEXT NOT NULL,
    timetable_summary TEXT,
    timetable_description TEXT,
    timezone TEXT NOT NULL,
    tags TEXT NOT NULL CHECK (json_valid(tags) AND substr(tags, 1, 1) = '['),
    max_active_runs INTEGER NOT NULL CHECK (max_active_runs >= 0),
    max_active_tasks INTEGER NOT NULL CHECK (max_active_tasks >= 0),
    latest_version_id INTEGER REFERENCES dag_version (id),
    first_seen_us INTEGER NOT NULL,
    last_parsed_us INTEGER NOT NULL
) STRICT;

CREATE TABLE import_error (
    import_error_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    filename TEXT NOT NULL UNIQUE,
    timestamp_us INTEGER NOT NULL,
    stack_trace TEXT NOT NULL
) STRICT;

CREATE TABLE dag_run (
    id INTEGER PRIMARY KEY NOT NULL,
    dag_id TEXT NOT NULL REFERENCES dag (dag_id) ON DELETE CASCADE,
    run_id TEXT NOT NULL CHECK (length(run_id) BETWEEN 1 AND 200),
    run_type TEXT NOT NULL CHECK (run_type IN ('manual', 'scheduled', 'backfill', 'asset_triggered')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed')),
    dag_version_id INTEGER NOT NULL REFERENCES dag_version (id),
    logical_date_us INTEGER,
    data_interval_start_us INTEGER,
    data_interval_end_us INTEGER,
    run_after_us INTEGER NOT NULL,
    queued_at_us INTEGER,
    start_date_us INTEGER,
    end_date_us INTEGER,
    forced_state TEXT CHECK (forced_state IN ('success', 'failed')),
    end_reason TEXT,
    clear_number INTEGER NOT NULL CHECK (clear_number >= 0),
    backfill_id INTEGER CHECK (backfill_id > 0),
    conf TEXT NOT NULL CHECK (json_valid(conf) AND substr(conf, 1, 1) = '{'),
    params TEXT NOT NULL CHECK (json_valid(params) AND substr(params, 1, 1) = '{'),
    triggered_by TEXT,
    triggering_user_name TEXT,
    note TEXT,
    UNIQUE (dag_id, run_id),
    UNIQUE (dag_id, logical_date_us), -- a double fire cannot be stored; nulls are distinct
    CHECK ((state IN ('success', 'failed')) = (end_date_us IS NOT NULL)),
    CHECK (state <> 'running' OR start_date_us IS NOT NULL),
    CHECK ((data_interval_start_us IS NULL) = (data_interval_end_us IS NULL)),
    CHECK (data_interval_start_us <= data_interval_end_us)
) STRICT;

CREATE INDEX dag_run_by_run_after ON dag_run (run_after_us, id);
CREATE INDEX dag_run_of_dag_by_run_after ON dag_run (dag_id, run_after_us, id);
CREATE INDEX dag_run_of_version ON dag_run (dag_version_id);
CREATE INDEX dag_run_unfinished ON dag_run (run_after_us, id) WHERE state IN ('queued', 'running');
CREATE INDEX dag_run_of_dag_unfinished ON dag_run (dag_id, run_after_us, id, state)
    WHERE state IN ('queued', 'running');
CREATE INDEX dag_run_failed ON dag_run (run_after_us, id) WHERE state = 'failed';
CREATE INDEX dag_run_of_dag_failed ON dag_run (dag_id, run_after_us, id) WHERE state = 'failed';
CREATE INDEX dag_run_automatic ON dag_run (dag_id, logical_date_us) WHERE run_type <> 'manual';

-- One task of one run at its latest try. state is null until something is decided, as in Airflow.
CREATE TABLE task_instance (
    id INTEGER PRIMARY KEY NOT NULL,
    dag_run_id INTEGER NOT NULL REFERENCES dag_run (id) ON DELETE CASCADE,
    task_id TEXT NOT NULL CHECK (length(task_id) BETWEEN 1 AND 200),
    state TEXT,
    end_reason TEXT,
    try_number INTEGER NOT NULL CHECK (try_number >= 0),
    max_tries INTEGER NOT NULL CHECK (max_tries >= 0),
    exit_code INTEGER,
    term_signal INTEGER CHECK (term_signal > 0),
    pid INTEGER CHECK (pid > 0),
    scheduled_us INTEGER,
    queued_us INTEGER,
    start_date_us INTEGER,
    end_date_us INTEGER,
    retry_at_us INTEGER,
    pool TEXT NOT NULL,
    pool_slots INTEGER NOT NULL CHECK (pool_slots >= 1),
    priority_weight INTEGER NOT NULL,
    operator TEXT,
    UNIQUE (dag_run_id, task_id),
    -- What each state asks of the rest of the row; unknown words end in ELSE. CASE and OR instead of IN, because for
    -- each statement SQLite builds a table of an IN list of more than two, which made inserts five times as slow.
    CONSTRAINT task_instance_fits_its_state CHECK (CASE state
        WHEN 'scheduled' THEN try_number >= 1 AND end_date_us IS NULL -- an attempt exists from here on
        WHEN 'queued' THEN try_number >= 1 AND queued_us IS NOT NULL AND end_date_us IS NULL
        WHEN 'running' THEN try_number >= 1 AND start_date_us IS NOT NULL AND end_date_us IS NULL
        WHEN 'success' THEN end_date_us IS NOT NULL
            -- exit code 0 of that attempt, no process at all, or a user's mark
            AND (end_reason IS 'marked' OR (coalesce(exit_code, 0) = 0 AND term_signal IS NULL))
        WHEN 'failed' THEN end_date_us IS NOT NULL
        WHEN 'skipped' THEN end_date_us IS NOT NULL
        WHEN 'upstream_failed' THEN end_date_us IS NOT NULL
        WHEN 'up_for_retry' THEN try_number >= 1 AND end_date_us IS NOT NULL AND retry_at_us IS NOT NULL
        WHEN 'up_for_reschedule' THEN try_number >= 1
        WHEN 'deferred' THEN try_number >= 1 AND end_date_us IS NULL
        WHEN 'restarting' THEN try_number >= 1 AND end_date_us IS NULL
        WHEN 'removed' THEN end_date_us IS NOT NULL
        ELSE state IS NULL AND end_date_us IS NULL
    END)
) STRICT;

CREATE INDEX task_instance_of_run ON task_instance (dag_run_id); -- in the order of id, which is that of the DAG file
CREATE INDEX task_instance_active ON task_instance (pool, state, pool_slots)
    WHERE state = 'scheduled' OR state = 'queued' OR state = 'running' OR state = 'deferred' OR state = 'restarting';

-- Attempts that are over and have a successor. Never changed.
CREATE TABLE task_instance_history (
    ti_id INTEGER NOT NULL REFERENCES task_instance (id) ON DELETE CASCADE,
    try_number INTEGER NOT NULL CHECK (try_number >= 1),
    state TEXT CHECK (state IN ('scheduled', 'queued', 'running', 'success', 'failed', 'skipped', 'upstream_failed',
        'up_for_retry', 'up_for_reschedule', 'deferred', 'restarting', 'removed')),
    end_reason TEXT,
    max_tries INTEGER NOT NULL,
    exit_code INTEGER,
    term_signal INTEGER,
    pid INTEGER,
    scheduled_us INTEGER,
    queued_us INTEGER,
    start_date_us INTEGER,
    end_date_us INTEGER,
    pool TEXT NOT NULL,
    pool_slots INTEGER NOT NULL,
    priority_weight INTEGER NOT NULL,
    operator TEXT,
    PRIMARY KEY (ti_id, try_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE xcom (
    id INTEGER PRIMARY KEY NOT NULL,
    dag_run_id INTEGER NOT NULL REFERENCES dag_run (id) ON DELETE CASCADE,
    task_id TEXT NOT NULL,
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 512),
    value TEXT NOT NULL CHECK (json_valid(value)),
    timestamp_us INTEGER NOT NULL,
    UNIQUE (dag_run_id, task_id, key)
) STRICT;

CREATE TABLE pool (
    name TEXT PRIMARY KEY NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
    slots INTEGER NOT NULL CHECK (slots >= -1),
    description TEXT,
    include_deferred INTEGER NOT NULL CHECK (include_deferred IN (0, 1))
) STRICT;
INSERT INTO pool VALUES ('default_pool', 128, 'Default pool', 0);

-- Who did what. Rows are added and, by retention, deleted; never changed.
CREATE TABLE event_log (
    event_log_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    when_us INTEGER NOT NULL,
    event TEXT NOT NULL,
    owner TEXT,
    dag_id TEXT,
    run_id TEXT,
    task_id TEXT,
    try_number INTEGER CHECK (try_number >= 1),
    extra TEXT CHECK (json_valid(extra))
) STRICT;

CREATE INDEX event_log_by_when ON event_log (when_us);
CREATE INDEX event_log_of_dag ON event_log (dag_id, run_id) WHERE dag_id IS NOT NULL;

CREATE TRIGGER event_log_is_append_only BEFORE UPDATE ON event_log
BEGIN
    SELECT RAISE (ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER dag_version_is_immutable BEFORE UPDATE ON dag_version
BEGIN
    SELECT RAISE (ABORT, 'a DAG version never changes');
END;

CREATE TRIGGER task_instance_history_is_immutable BEFORE UPDATE ON task_instance_history
BEGIN
    SELECT RAISE (ABORT, 'the history of attempts never changes');
END;

CREATE TRIGGER default_pool_stays BEFORE DELETE ON pool WHEN OLD.name = 'default_pool'
BEGIN
    SELECT RAISE (ABORT, 'default_pool cannot be deleted');
END;

CREATE TRIGGER dag_run_id_is_spent AFTER DELETE ON dag_run
BEGIN
    UPDATE id_counter SET last_deleted_id = OLD.id WHERE name = 'dag_run' AND last_deleted_id < OLD.id;
END;

CREATE TRIGGER task_instance_id_is_spent AFTER DELETE ON task_instance
BEGIN
    UPDATE id_counter SET last_deleted_id = OLD.id WHERE name = 'task_instance' AND last_deleted_id < OLD.id;
END;

PRAGMA user_version = 1;
