-- SPDX-License-Identifier: MIT
-- How long a DAG's runs and their logs are kept, where its file says so: 0 is for ever, null is as the settings say.

CREATE TABLE dag_retention (
    dag_id TEXT PRIMARY KEY NOT NULL REFERENCES dag (dag_id) ON DELETE CASCADE,
    retention_us INTEGER CHECK (retention_us >= 0),
    log_retention_us INTEGER CHECK (log_retention_us >= 0),
    CHECK (retention_us IS NOT NULL OR log_retention_us IS NOT NULL)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 5;
