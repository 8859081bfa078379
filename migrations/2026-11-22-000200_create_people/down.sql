DROP TABLE attribute_definitions;
DROP TABLE group_members;
DROP TABLE groups;
DROP TABLE user_history;
DROP TABLE reporting_lines;
DROP TABLE users;
DROP TABLE org_unit_closure;
DROP TABLE org_units;
