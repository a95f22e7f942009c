-- File names are absolute. The folder is the root, so that a storage that has moved is named by one
-- --storage option; both kinds of slash, since dcmqrscp runs on Windows as well.
SELECT
  filename AS instance_key,
  0 AS rank,
  LEFT(
    filename,
    LENGTH(filename) - LENGTH(SPLIT_PART(REVERSE(REPLACE(filename, '\', '/')), '/', 1)) - 1
  ) AS root,
  REVERSE(SPLIT_PART(REVERSE(REPLACE(filename, '\', '/')), '/', 1)) AS path,
  CAST(imagesize AS BIGINT) AS size_bytes,
  'online' AS availability
FROM idxrecord
