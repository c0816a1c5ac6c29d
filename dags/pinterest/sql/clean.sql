-- What the three cleanings share. Printed are two numbers: raw rows and clean rows.
-- The database is thrown away if anything fails, so it needs no journal.
.output /dev/null
PRAGMA page_size = 65536; -- rows are wide, and all are written and read in order
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -65536;
.output

-- Duplicates have the same ind. Comparing whole rows costs a sort of all their text: it is done for these only.
CREATE TEMP TABLE repeated (ind INTEGER PRIMARY KEY);
INSERT INTO repeated SELECT ind FROM raw.records GROUP BY ind HAVING count(*) > 1;
