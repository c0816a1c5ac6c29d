-- The pin topic. Values keep the types they have in JSON; what is missing is null.
INSERT INTO key VALUES ('index');

CREATE TABLE records (
    file INTEGER NOT NULL,
    line INTEGER NOT NULL,
    ind INTEGER NOT NULL,
    unique_id,
    title,
    description,
    follower_count,
    poster_name,
    tag_list,
    is_image_or_video,
    image_src,
    downloaded,
    save_location,
    category
);

CREATE TRIGGER read_line INSTEAD OF INSERT ON incoming WHEN CAST(NEW.line AS INTEGER) > 0
BEGIN
    INSERT INTO records
    SELECT NEW.file, NEW.line,
           json_extract(NEW.text, '$.index'),
           json_extract(NEW.text, '$.unique_id'),
           json_extract(NEW.text, '$.title'),
           json_extract(NEW.text, '$.description'),
           json_extract(NEW.text, '$.follower_count'),
           json_extract(NEW.text, '$.poster_name'),
           json_extract(NEW.text, '$.tag_list'),
           json_extract(NEW.text, '$.is_image_or_video'),
           json_extract(NEW.text, '$.image_src'),
           json_extract(NEW.text, '$.downloaded'),
           json_extract(NEW.text, '$.save_location'),
           json_extract(NEW.text, '$.category')
    WHERE CASE WHEN json_valid(NEW.text) THEN json_type(NEW.text, '$.index') = 'integer' END;
    INSERT INTO rejected SELECT NEW.file, NEW.line, NEW.text WHERE changes() = 0;
END;
