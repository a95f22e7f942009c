-- Several copies of one object are normal: the archive takes the file system that is best to reach
-- (lowest availability), and of its files the newest (highest pk).
-- "tar:" stands before the folder of TAR storage; the member's name follows the "!" there.
-- What has no file but a medium was burnt on it and purged; NULL as instance_fk is nobody's file.
WITH copies AS (
  SELECT
    f.instance_fk AS instance_key, f.filesystem_fk, f.filepath, f.file_size, f.file_md5,
    f.file_tsuid, f.pk
  FROM files AS f
  UNION ALL
  SELECT
    'trash:' || g.instance_fk AS instance_key, g.filesystem_fk, g.filepath, g.file_size, g.file_md5,
    g.file_tsuid, g.pk
  FROM priv_file AS g
  WHERE g.instance_fk IS NOT NULL
)
SELECT
  c.instance_key AS instance_key,
  ROW_NUMBER() OVER (
    PARTITION BY c.instance_key
    ORDER BY CAST(COALESCE(d.availability, '0') AS INTEGER), CAST(c.pk AS BIGINT) DESC
  ) - 1 AS rank,
  d.dirpath AS root,
  c.filepath AS path,
  CAST(c.file_size AS BIGINT) AS size_bytes,
  c.file_md5 AS digest,
  c.file_tsuid AS transfer_syntax_uid,
  COALESCE(d.availability, '0') AS availability
FROM copies AS c
LEFT JOIN filesystem AS d ON d.pk = c.filesystem_fk
UNION ALL
SELECT
  i.pk AS instance_key,
  0 AS rank,
  COALESCE(m.fileset_id, m.fileset_iuid) AS root,
  CAST(NULL AS TEXT) AS path,
  CAST(NULL AS BIGINT) AS size_bytes,
  CAST(NULL AS TEXT) AS digest,
  CAST(NULL AS TEXT) AS transfer_syntax_uid,
  '2' AS availability
FROM instance AS i
JOIN media AS m ON m.pk = i.media_fk
LEFT JOIN files AS f ON f.instance_fk = i.pk
WHERE f.pk IS NULL
