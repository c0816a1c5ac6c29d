-- Reads lines into the tables of one topic; load_<table>.sql adds `records` and its trigger.
-- The database is thrown away if anything fails, so it needs no journal.
PRAGMA page_size = 65536; -- rows are wide, and all are written and read in order
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -65536;
.mode ascii

-- Every file of the topic; `lines` is -1 until its end was read.
CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL, lines INTEGER NOT NULL);

-- Lines that are no record: malformed, or blank.
CREATE TABLE rejected (file INTEGER NOT NULL, line INTEGER NOT NULL, text TEXT NOT NULL);

-- What .import fills. All values arrive as text.
CREATE VIEW incoming (file, line, text) AS SELECT 0, 0, '';

CREATE TRIGGER end_file INSTEAD OF INSERT ON incoming WHEN CAST(NEW.line AS INTEGER) <= 0
BEGIN
    UPDATE files SET lines = -CAST(NEW.line AS INTEGER) WHERE id = CAST(NEW.file AS INTEGER);
END;

-- Blank lines are no records, but nothing is wrong with them.
CREATE VIEW bad AS
SELECT file, line, path,
       CASE WHEN text GLOB char(2) || '*' THEN 'not UTF-8'
            WHEN NOT json_valid(text) THEN 'malformed JSON'
            WHEN json_type(text) <> 'object' THEN 'not a JSON object'
            WHEN json_type(text, '$.' || name) IS NULL THEN 'no "' || name || '"'
            ELSE '"' || name || '" is not an integer' END AS reason
FROM rejected JOIN files ON files.id = rejected.file JOIN key
WHERE trim(text, ' ' || char(9, 13)) <> '';

-- Files of which not all lines have arrived.
CREATE VIEW unread AS
SELECT path
FROM files
LEFT JOIN (SELECT file, count(*) AS n FROM records GROUP BY file) AS good ON good.file = id
LEFT JOIN (SELECT file, count(*) AS n FROM rejected GROUP BY file) AS other ON other.file = id
WHERE lines <> ifnull(good.n, 0) + ifnull(other.n, 0);

-- The key column of the topic.
CREATE TABLE key (name TEXT NOT NULL);
