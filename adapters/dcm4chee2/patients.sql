-- A row for each other Patient ID of a patient; hooks.py makes one of them again.
-- Names are search keys (upper case, padded with carets); pat_attrs has them as they are.
SELECT
  p.pk AS patient_key,
  p.pat_id AS patient_id,
  p.pat_id_issuer AS issuer_of_patient_id,
  p.pat_name AS patient_name,
  p.pat_i_name AS ideographic,
  p.pat_p_name AS phonetic,
  p.pat_birthdate AS patient_birth_date,
  p.pat_sex AS patient_sex,
  o.pat_id AS other_id,
  o.pat_id_issuer AS other_issuer,
  p.merge_fk AS merged_into,
  p.pat_attrs AS attributes
FROM patient AS p
LEFT JOIN rel_pat_other_pid AS r ON r.patient_fk = p.pk
LEFT JOIN other_pid AS o ON o.pk = r.other_pid_fk
UNION ALL
SELECT
  'trash:' || pk AS patient_key,
  pat_id AS patient_id,
  pat_id_issuer AS issuer_of_patient_id,
  pat_name AS patient_name,
  CAST(NULL AS TEXT) AS ideographic,
  CAST(NULL AS TEXT) AS phonetic,
  CAST(NULL AS TEXT) AS patient_birth_date,
  CAST(NULL AS TEXT) AS patient_sex,
  CAST(NULL AS TEXT) AS other_id,
  CAST(NULL AS TEXT) AS other_issuer,
  CAST(NULL AS TEXT) AS merged_into,
  pat_attrs AS attributes
FROM priv_patient
