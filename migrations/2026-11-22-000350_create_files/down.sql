DROP TABLE address_secrets;
DROP TABLE upload_pieces;
DROP TABLE uploads;
DROP TABLE blobs;
