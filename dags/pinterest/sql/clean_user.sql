CREATE TABLE user (
    ind INTEGER NOT NULL,
    user_name TEXT,
    age INTEGER,
    date_joined TEXT -- YYYY-MM-DD HH:MM:SS, UTC
);

CREATE TEMP VIEW cleaned AS
SELECT ind,
       CASE WHEN first_name IS NULL OR last_name IS NULL THEN ifnull(first_name, last_name)
            ELSE first_name || ' ' || last_name END AS user_name,
       CASE WHEN typeof(age) = 'integer' OR (age <> '' AND age NOT GLOB '*[^0-9]*')
            THEN CAST(age AS INTEGER) END AS age,
       -- The time must look like one and its day must exist: SQLite would make March 2nd of February 30th.
       CASE WHEN date_joined GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-5][0-9]:*'
                 AND substr(date_joined, 12, 2) < '24'
                 AND date(julianday(substr(date_joined, 1, 10))) = substr(date_joined, 1, 10)
            THEN datetime(date_joined) END AS date_joined
FROM raw.records;

BEGIN;
INSERT INTO user SELECT * FROM cleaned WHERE ind NOT IN (SELECT ind FROM repeated);
INSERT INTO user
SELECT * FROM cleaned WHERE ind IN (SELECT ind FROM repeated)
GROUP BY ind, user_name, age, date_joined;
-- All that the queries read of a user, in the order in which they join.
CREATE INDEX user_by_ind ON user (ind, age, date_joined);
COMMIT;

SELECT (SELECT count(*) FROM raw.records), (SELECT count(*) FROM user);
