-- Metadata 4 is the number of instances that the series itself announced.
SELECT
  r.internalid AS series_key,
  r.parentid AS study_key,
  MAX(CASE WHEN t.taggroup = '32' AND t.tagelement = '14' THEN t.value END) AS series_instance_uid,
  MAX(CASE WHEN t.taggroup = '32' AND t.tagelement = '17' THEN t.value END) AS series_number,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '96' THEN t.value END) AS modality,
  MAX(CASE WHEN t.taggroup = '24' AND t.tagelement = '21' THEN t.value END) AS body_part_examined,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '4158' THEN t.value END) AS series_description,
  MAX(CAST(expected.value AS BIGINT)) AS expected_instances
FROM resources AS r
JOIN resources AS study ON study.internalid = r.parentid
JOIN resources AS patient ON patient.internalid = study.parentid
LEFT JOIN maindicomtags AS t ON t.id = r.internalid
LEFT JOIN metadata AS expected ON expected.id = r.internalid AND expected.type = '4'
WHERE patient.parentid IS NULL
GROUP BY r.internalid, r.parentid
