-- The patient is the resource without a parent: the numbers of resourceType differ between engines.
SELECT
  r.internalid AS patient_key,
  MAX(CASE WHEN t.taggroup = '16' AND t.tagelement = '32' THEN t.value END) AS patient_id,
  MAX(CASE WHEN t.taggroup = '16' AND t.tagelement = '33' THEN t.value END) AS issuer_of_patient_id,
  MAX(CASE WHEN t.taggroup = '16' AND t.tagelement = '16' THEN t.value END) AS patient_name,
  MAX(CASE WHEN t.taggroup = '16' AND t.tagelement = '48' THEN t.value END) AS patient_birth_date,
  MAX(CASE WHEN t.taggroup = '16' AND t.tagelement = '64' THEN t.value END) AS patient_sex,
  MAX(CASE WHEN t.taggroup = '16' AND t.tagelement = '4096' THEN t.value END) AS other_patient_ids
FROM resources AS r
LEFT JOIN maindicomtags AS t ON t.id = r.internalid
WHERE r.parentid IS NULL
GROUP BY r.internalid
