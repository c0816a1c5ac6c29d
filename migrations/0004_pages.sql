-- SPDX-License-Identifier: MIT
-- Pages of a DAG with a long history come from an index, in the order asked for, and so do their totals: with 50,000
-- runs of one DAG, sorting them took 40 ms, looking at each for its state as long.

CREATE INDEX dag_run_of_dag_by_id ON dag_run (dag_id, id, state);
CREATE INDEX dag_run_of_dag_by_start ON dag_run (dag_id, start_date_us, id);

-- Newest first, of a DAG or of one run of it.
DROP INDEX event_log_of_dag;
CREATE INDEX event_log_of_dag ON event_log (dag_id, event_log_id) WHERE dag_id IS NOT NULL;
CREATE INDEX event_log_of_run ON event_log (dag_id, run_id, event_log_id) WHERE run_id IS NOT NULL;

-- Statistics of a store that was small have its large tables read as a whole. Without any, the indexes are used that
-- each query was written for.
DROP TABLE IF EXISTS sqlite_stat1;

PRAGMA user_version = 4;
