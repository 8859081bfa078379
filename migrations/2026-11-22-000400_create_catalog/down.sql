ALTER TABLE courses DROP CONSTRAINT courses_current_version_fkey;
DROP TABLE course_versions;
DROP TABLE courses;
DROP TABLE categories;
DROP FUNCTION joined;
DROP FUNCTION search_text;
DROP FUNCTION without_accents;
DROP FUNCTION search_configuration;
