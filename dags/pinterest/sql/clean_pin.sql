CREATE TABLE pin (
    ind INTEGER NOT NULL,
    unique_id TEXT,
    title TEXT,
    description TEXT,
    follower_count INTEGER,
    poster_name TEXT,
    tag_list TEXT,
    is_image_or_video TEXT,
    image_src TEXT,
    save_location TEXT,
    category TEXT
);

-- "12k" is the number 12 with the unit k. More than 13 characters are more followers than there are people.
CREATE TEMP VIEW counted AS
SELECT *, rtrim(follower_count, 'kKmM') AS number FROM raw.records;

CREATE TEMP VIEW cleaned AS
SELECT ind,
       unique_id,
       nullif(title, 'No Title Data Available') AS title,
       CASE WHEN description NOT IN ('No description available Story format', 'No description available',
                                     'Untitled')
            THEN description END AS description,
       CASE WHEN number GLOB '[0-9]*' AND number NOT GLOB '*[^0-9.]*' AND number NOT GLOB '*.*.*'
                 AND number NOT GLOB '*.' AND length(number) <= 13
            THEN CAST(round(number * CASE upper(substr(follower_count, length(number) + 1))
                                     WHEN '' THEN 1 WHEN 'K' THEN 1000 WHEN 'M' THEN 1000000 END) AS INTEGER)
            END AS follower_count,
       nullif(poster_name, 'User Info Error') AS poster_name,
       nullif(tag_list, 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e') AS tag_list,
       is_image_or_video,
       nullif(image_src, 'Image src error.') AS image_src,
       replace(save_location, 'Local save in ', '') AS save_location,
       category
FROM counted;

BEGIN;
INSERT INTO pin SELECT * FROM cleaned WHERE ind NOT IN (SELECT ind FROM repeated);
INSERT INTO pin
SELECT * FROM cleaned WHERE ind IN (SELECT ind FROM repeated)
GROUP BY ind, unique_id, title, description, follower_count, poster_name, tag_list, is_image_or_video,
         image_src, save_location, category;
-- All that the queries read of a post, in the order in which they join.
CREATE INDEX pin_by_ind ON pin (ind, category, follower_count, poster_name);
COMMIT;

SELECT (SELECT count(*) FROM raw.records), (SELECT count(*) FROM pin);
