-- study_datetime is a date and a time of day in one, without a time zone: the modality's clock.
SELECT
  s.pk AS study_key,
  s.patient_fk AS patient_key,
  s.study_iuid AS study_instance_uid,
  s.study_id AS study_id,
  s.study_datetime AS study_date,
  SUBSTR(s.study_datetime, 12) AS study_time,
  s.accession_no AS accession_number,
  i.entity_id AS issuer_of_accession_number,
  s.ref_physician AS referring_physician_name,
  s.ref_phys_i_name AS ideographic,
  s.ref_phys_p_name AS phonetic,
  s.study_desc AS study_description,
  s.num_instances AS expected_instances,
  s.study_attrs AS attributes
FROM study AS s
LEFT JOIN issuer AS i ON i.pk = s.accno_issuer_fk
UNION ALL
SELECT
  'trash:' || pk AS study_key,
  'trash:' || patient_fk AS patient_key,
  study_iuid AS study_instance_uid,
  CAST(NULL AS TEXT) AS study_id,
  CAST(NULL AS TEXT) AS study_date,
  CAST(NULL AS TEXT) AS study_time,
  accession_no AS accession_number,
  CAST(NULL AS TEXT) AS issuer_of_accession_number,
  CAST(NULL AS TEXT) AS referring_physician_name,
  CAST(NULL AS TEXT) AS ideographic,
  CAST(NULL AS TEXT) AS phonetic,
  CAST(NULL AS TEXT) AS study_description,
  CAST(NULL AS TEXT) AS expected_instances,
  study_attrs AS attributes
FROM priv_study
