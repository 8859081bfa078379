DROP TABLE launch_log;
DROP TABLE runtime_states;
DROP TABLE launches;
DROP TABLE attempts;
DROP TABLE activity_states;
