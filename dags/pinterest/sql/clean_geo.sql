CREATE TABLE geo (
    ind INTEGER NOT NULL,
    country TEXT,
    coordinates TEXT, -- [latitude, longitude]
    timestamp TEXT    -- YYYY-MM-DD HH:MM:SS, UTC
);

CREATE TEMP VIEW cleaned AS
SELECT ind,
       country,
       CASE WHEN typeof(latitude) IN ('integer', 'real') AND typeof(longitude) IN ('integer', 'real')
            THEN json_array(latitude, longitude) END AS coordinates,
       -- The time must look like one and its day must exist: SQLite would make March 2nd of February 30th.
       CASE WHEN timestamp GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-5][0-9]:*'
                 AND substr(timestamp, 12, 2) < '24'
                 AND date(julianday(substr(timestamp, 1, 10))) = substr(timestamp, 1, 10)
            THEN datetime(timestamp) END AS timestamp
FROM raw.records;

BEGIN;
INSERT INTO geo SELECT * FROM cleaned WHERE ind NOT IN (SELECT ind FROM repeated);
INSERT INTO geo
SELECT * FROM cleaned WHERE ind IN (SELECT ind FROM repeated)
GROUP BY ind, country, coordinates, timestamp;
-- All that the queries read of a place, in the order in which they join.
CREATE INDEX geo_by_ind ON geo (ind, country, timestamp);
COMMIT;

SELECT (SELECT count(*) FROM raw.records), (SELECT count(*) FROM geo);
