-- Writes the nine results as CSV (RFC 4180 quoting, lines end in LF) and prints how many rows each has.
-- The header is printed by hand: sqlite3 writes none for a result without rows.
.mode csv
.separator , "\n"
.headers off

.output category_by_country.csv
.print country,category,category_count
SELECT * FROM category_by_country ORDER BY rowid;

.output category_by_year.csv
.print post_year,category,category_count
SELECT * FROM category_by_year ORDER BY rowid;

.output top_user_by_country.csv
.print country,poster_name,follower_count
SELECT * FROM top_user_by_country ORDER BY rowid;

.output top_country.csv
.print country,follower_count
SELECT * FROM top_country ORDER BY rowid;

.output category_by_age_group.csv
.print age_group,category,category_count
SELECT * FROM category_by_age_group ORDER BY rowid;

.output median_followers_by_age_group.csv
.print age_group,median_follower_count
SELECT * FROM median_followers_by_age_group ORDER BY rowid;

.output users_joined_by_year.csv
.print post_year,number_users_joined
SELECT * FROM users_joined_by_year ORDER BY rowid;

.output median_followers_by_join_year.csv
.print post_year,median_follower_count
SELECT * FROM median_followers_by_join_year ORDER BY rowid;

.output median_followers_by_join_year_and_age_group.csv
.print age_group,post_year,median_follower_count
SELECT * FROM median_followers_by_join_year_and_age_group ORDER BY rowid;

.output
.mode list
.separator " " "\n"
SELECT 'category_by_country', count(*) FROM category_by_country;
SELECT 'category_by_year', count(*) FROM category_by_year;
SELECT 'top_user_by_country', count(*) FROM top_user_by_country;
SELECT 'top_country', count(*) FROM top_country;
SELECT 'category_by_age_group', count(*) FROM category_by_age_group;
SELECT 'median_followers_by_age_group', count(*) FROM median_followers_by_age_group;
SELECT 'users_joined_by_year', count(*) FROM users_joined_by_year;
SELECT 'median_followers_by_join_year', count(*) FROM median_followers_by_join_year;
SELECT 'median_followers_by_join_year_and_age_group', count(*)
FROM median_followers_by_join_year_and_age_group;
