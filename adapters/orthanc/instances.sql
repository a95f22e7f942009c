-- Levels are counted from the patient's, whose number differs between engines (it has no parent).
-- No join upward: an instance whose series row is lost must stay in the account.
-- Metadata 10 is the SOP class; databases upgraded from old versions lack it, the file tells then.
-- The tags are taken before they are joined: most tags of most instances are not asked for.
WITH top AS (
  SELECT MIN(CAST(resourcetype AS INTEGER)) AS level FROM resources WHERE parentid IS NULL
),
tags AS (
  SELECT
    id,
    MAX(CASE WHEN taggroup = '8' THEN value END) AS sop_instance_uid,
    MAX(CASE WHEN taggroup = '32' THEN value END) AS instance_number
  FROM maindicomtags
  WHERE (taggroup = '8' AND tagelement = '24') OR (taggroup = '32' AND tagelement = '19')
  GROUP BY id
),
classes AS (
  SELECT id, MAX(value) AS sop_class_uid FROM metadata WHERE type = '10' GROUP BY id
)
SELECT
  r.internalid AS instance_key,
  r.parentid AS series_key,
  tags.sop_instance_uid,
  classes.sop_class_uid,
  tags.instance_number,
  'live' AS visibility
FROM resources AS r
CROSS JOIN top
LEFT JOIN tags ON tags.id = r.internalid
LEFT JOIN classes ON classes.id = r.internalid
WHERE CAST(r.resourcetype AS INTEGER) = top.level + 3
