DROP TABLE address_secrets;
DROP TABLE uploads;
DROP TABLE blobs;
