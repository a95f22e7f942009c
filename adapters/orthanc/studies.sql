SELECT
  r.internalid AS study_key,
  r.parentid AS patient_key,
  MAX(CASE WHEN t.taggroup = '32' AND t.tagelement = '13' THEN t.value END) AS study_instance_uid,
  MAX(CASE WHEN t.taggroup = '32' AND t.tagelement = '16' THEN t.value END) AS study_id,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '32' THEN t.value END) AS study_date,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '48' THEN t.value END) AS study_time,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '80' THEN t.value END) AS accession_number,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '144' THEN t.value END) AS referring_physician_name,
  MAX(CASE WHEN t.taggroup = '8' AND t.tagelement = '4144' THEN t.value END) AS study_description
FROM resources AS r
JOIN resources AS patient ON patient.internalid = r.parentid
LEFT JOIN maindicomtags AS t ON t.id = r.internalid
WHERE patient.parentid IS NULL
GROUP BY r.internalid, r.parentid
