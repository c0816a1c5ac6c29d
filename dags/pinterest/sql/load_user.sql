-- The user topic. Values keep the types they have in JSON; what is missing is null.
INSERT INTO key VALUES ('ind');

CREATE TABLE records (
    file INTEGER NOT NULL,
    line INTEGER NOT NULL,
    ind INTEGER NOT NULL,
    first_name,
    last_name,
    age,
    date_joined
);

CREATE TRIGGER read_line INSTEAD OF INSERT ON incoming WHEN CAST(NEW.line AS INTEGER) > 0
BEGIN
    INSERT INTO records
    SELECT NEW.file, NEW.line,
           json_extract(NEW.text, '$.ind'),
           json_extract(NEW.text, '$.first_name'),
           json_extract(NEW.text, '$.last_name'),
           json_extract(NEW.text, '$.age'),
           json_extract(NEW.text, '$.date_joined')
    WHERE CASE WHEN json_valid(NEW.text) THEN json_type(NEW.text, '$.ind') = 'integer' END;
    INSERT INTO rejected SELECT NEW.file, NEW.line, NEW.text WHERE changes() = 0;
END;
