SELECT
  seriesinst AS series_key,
  studyinsta AS study_key,
  seriesinst AS series_instance_uid,
  seriesnumb AS series_number,
  modality AS modality,
  bodypartex AS body_part_examined,
  seriesdesc AS series_description
FROM dicomseries
