ALTER TABLE courses DROP CONSTRAINT courses_current_version_fkey;
DROP TABLE course_versions;
DROP TABLE courses;
DROP TABLE categories;
