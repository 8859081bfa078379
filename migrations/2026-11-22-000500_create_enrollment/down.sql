DROP TABLE requirement_reasons;
DROP TABLE requirements;
DROP TABLE completions;
DROP TABLE enrollments;
DROP TABLE rule_members;
DROP TABLE rule_courses;
DROP TABLE rules;
