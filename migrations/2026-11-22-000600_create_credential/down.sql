DROP TABLE certificate_files;
DROP TABLE certificates;
DROP TABLE certificate_templates;
