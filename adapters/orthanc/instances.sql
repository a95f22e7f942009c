-- Levels are counted from the patient's, whose number differs between engines (it has no parent).
-- No join upward: an instance whose series row is lost must stay in the account.
-- Metadata 10 is the SOP class; databases upgraded from old versions lack it, the file tells then.
WITH top AS (
  SELECT MIN(CAST(resourcetype AS INTEGER)) AS level FROM resources WHERE parentid IS NULL
)
SELECT
  r.internalid AS instance_key,
  r.parentid AS series_key,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '24' THEN t.value END) AS sop_instance_uid,
  MAX(class.value) AS sop_class_uid,
  MAX(CASE WHEN t.taggroup = '32' AND t.tagelement = '19' THEN t.value END) AS instance_number,
  'live' AS visibility
FROM resources AS r
CROSS JOIN top
LEFT JOIN maindicomtags AS t ON t.id = r.internalid
LEFT JOIN metadata AS class ON class.id = r.internalid AND class.type = '10'
WHERE CAST(r.resourcetype AS INTEGER) = top.level + 3
GROUP BY r.internalid, r.parentid
