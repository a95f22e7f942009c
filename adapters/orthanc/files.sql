-- fileType 1 is the DICOM file. Size and digest are those of the bytes on disk.
SELECT
  a.id AS instance_key,
  0 AS rank,
  '' AS root,
  SUBSTR(a.uuid, 1, 2) || '/' || SUBSTR(a.uuid, 3, 2) || '/' || a.uuid AS path,
  CASE a.compressiontype
    WHEN '1' THEN 'part10'
    WHEN '2' THEN 'orthanc-zlib'
    ELSE 'unknown compressionType ' || a.compressiontype
  END AS container,
  CAST(a.compressedsize AS BIGINT) AS size_bytes,
  'md5' AS digest_algorithm,
  COALESCE(NULLIF(a.compressedmd5, ''), NULLIF(a.compressedhash, '')) AS digest,
  syntax.value AS transfer_syntax_uid,
  'online' AS availability
FROM attachedfiles AS a
LEFT JOIN metadata AS syntax ON syntax.id = a.id AND syntax.type = '9'
WHERE a.filetype = '1'
