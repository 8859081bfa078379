DROP TABLE import_rows;
DROP TABLE import_files;
DROP TABLE imports;
DROP TABLE import_profile_versions;
DROP TABLE import_profiles;
