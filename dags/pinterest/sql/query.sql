-- The nine results, each a temporary table with its columns and rows in the order of its file.
ATTACH 'file:../clean_pin.db?mode=ro' AS pins;
ATTACH 'file:../clean_geo.db?mode=ro' AS places;
ATTACH 'file:../clean_user.db?mode=ro' AS users;
PRAGMA cache_size = -65536;

-- Posts by place and year. Inner joins: a post without a place, or a place without a post, counts nowhere.
CREATE TEMP TABLE placed AS
SELECT country, CAST(substr(timestamp, 1, 4) AS INTEGER) AS post_year, category, poster_name, follower_count
FROM places.geo JOIN pins.pin USING (ind);

-- Posts by the age and the joining year of their users.
CREATE TEMP TABLE posted AS
SELECT CASE WHEN age < 18 THEN NULL WHEN age <= 24 THEN 1 WHEN age <= 35 THEN 2 WHEN age <= 50 THEN 3
            WHEN age > 50 THEN 4 END AS age_rank,
       CAST(substr(date_joined, 1, 4) AS INTEGER) AS join_year, category, follower_count
FROM users.user JOIN pins.pin USING (ind);

CREATE TEMP TABLE age_groups (age_rank INTEGER PRIMARY KEY, age_group TEXT NOT NULL);
INSERT INTO age_groups VALUES (1, '18-24'), (2, '25-35'), (3, '36-50'), (4, '+50');

-- Sorted once; the next two need only the some thousand counts.
CREATE TEMP TABLE placed_categories AS
SELECT country, post_year, category, count(*) AS n
FROM placed WHERE category IS NOT NULL
GROUP BY country, post_year, category;

CREATE TEMP TABLE category_by_country AS
WITH counted AS (
    SELECT country, category, sum(n) AS category_count
    FROM placed_categories WHERE country IS NOT NULL
    GROUP BY country, category)
SELECT country, category, category_count
FROM (SELECT *, rank() OVER (PARTITION BY country ORDER BY category_count DESC) AS place FROM counted)
WHERE place = 1
ORDER BY country, category;

CREATE TEMP TABLE category_by_year AS
WITH counted AS (
    SELECT post_year, category, sum(n) AS category_count
    FROM placed_categories WHERE post_year BETWEEN 2018 AND 2022
    GROUP BY post_year, category)
SELECT post_year, category, category_count
FROM (SELECT *, rank() OVER (PARTITION BY post_year ORDER BY category_count DESC) AS place FROM counted)
WHERE place = 1
ORDER BY post_year, category;

CREATE TEMP TABLE top_counts (country TEXT PRIMARY KEY, follower_count INTEGER NOT NULL);
INSERT INTO top_counts
SELECT country, max(follower_count)
FROM placed WHERE country IS NOT NULL AND follower_count IS NOT NULL
GROUP BY country;

-- A poster with the same count in two posts is one row. CROSS JOIN: placed is the outer loop.
CREATE TEMP TABLE top_user_by_country AS
SELECT DISTINCT country, poster_name, follower_count
FROM placed CROSS JOIN top_counts USING (country, follower_count)
ORDER BY country, poster_name;

CREATE TEMP TABLE top_country AS
SELECT country, follower_count FROM top_user_by_country ORDER BY follower_count DESC, country LIMIT 1;

CREATE TEMP TABLE category_by_age_group AS
WITH counted AS (
    SELECT age_rank, category, count(*) AS category_count
    FROM posted WHERE age_rank IS NOT NULL AND category IS NOT NULL
    GROUP BY age_rank, category)
SELECT age_group, category, category_count
FROM (SELECT *, rank() OVER (PARTITION BY age_rank ORDER BY category_count DESC) AS place FROM counted)
JOIN age_groups USING (age_rank)
WHERE place = 1
ORDER BY age_rank, category;

-- Medians: of n values in order, the one in place (n + 1) / 2, rounded down. Equal values are counted first
-- (there are some thousands of them, however many posts); `upto` is the last place that a value holds.
CREATE TEMP TABLE followers AS
SELECT age_rank, join_year, follower_count, count(*) AS n
FROM posted WHERE follower_count IS NOT NULL
GROUP BY age_rank, join_year, follower_count;

CREATE TEMP TABLE median_followers_by_age_group AS
WITH counted AS (
    SELECT age_rank, follower_count, sum(n) AS n
    FROM followers WHERE age_rank IS NOT NULL
    GROUP BY age_rank, follower_count),
placed_values AS (
    SELECT *, sum(n) OVER (PARTITION BY age_rank ORDER BY follower_count) AS upto,
           sum(n) OVER (PARTITION BY age_rank) AS total
    FROM counted)
SELECT age_group, min(follower_count) AS median_follower_count
FROM placed_values JOIN age_groups USING (age_rank)
WHERE upto >= (total + 1) / 2
GROUP BY age_rank
ORDER BY age_rank;

CREATE TEMP TABLE users_joined_by_year AS
SELECT CAST(substr(date_joined, 1, 4) AS INTEGER) AS post_year, count(DISTINCT ind) AS number_users_joined
FROM users.user
WHERE CAST(substr(date_joined, 1, 4) AS INTEGER) BETWEEN 2015 AND 2020
GROUP BY 1
ORDER BY 1;

CREATE TEMP TABLE median_followers_by_join_year AS
WITH counted AS (
    SELECT join_year, follower_count, sum(n) AS n
    FROM followers WHERE join_year BETWEEN 2015 AND 2020
    GROUP BY join_year, follower_count),
placed_values AS (
    SELECT *, sum(n) OVER (PARTITION BY join_year ORDER BY follower_count) AS upto,
           sum(n) OVER (PARTITION BY join_year) AS total
    FROM counted)
SELECT join_year AS post_year, min(follower_count) AS median_follower_count
FROM placed_values
WHERE upto >= (total + 1) / 2
GROUP BY join_year
ORDER BY join_year;

CREATE TEMP TABLE median_followers_by_join_year_and_age_group AS
WITH placed_values AS (
    SELECT *, sum(n) OVER (PARTITION BY age_rank, join_year ORDER BY follower_count) AS upto,
           sum(n) OVER (PARTITION BY age_rank, join_year) AS total
    FROM followers WHERE age_rank IS NOT NULL AND join_year BETWEEN 2015 AND 2020)
SELECT age_group, join_year AS post_year, min(follower_count) AS median_follower_count
FROM placed_values JOIN age_groups USING (age_rank)
WHERE upto >= (total + 1) / 2
GROUP BY age_rank, join_year
ORDER BY age_rank, join_year;
