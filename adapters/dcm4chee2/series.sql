SELECT
  pk AS series_key,
  study_fk AS study_key,
  series_iuid AS series_instance_uid,
  series_no AS series_number,
  modality AS modality,
  body_part AS body_part_examined,
  series_desc AS series_description,
  num_instances AS expected_instances,
  series_attrs AS attributes
FROM series
UNION ALL
SELECT
  'trash:' || pk AS series_key,
  'trash:' || study_fk AS study_key,
  series_iuid AS series_instance_uid,
  CAST(NULL AS TEXT) AS series_number,
  CAST(NULL AS TEXT) AS modality,
  CAST(NULL AS TEXT) AS body_part_examined,
  CAST(NULL AS TEXT) AS series_description,
  CAST(NULL AS TEXT) AS expected_instances,
  series_attrs AS attributes
FROM priv_series
