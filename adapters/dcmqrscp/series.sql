SELECT
  COALESCE(patientid, '') || '|' || COALESCE(studyinstanceuid, '') || '|'
    || COALESCE(seriesinstanceuid, '') AS series_key,
  COALESCE(patientid, '') || '|' || COALESCE(studyinstanceuid, '') AS study_key,
  seriesinstanceuid AS series_instance_uid,
  MAX(seriesnumber) AS series_number,
  MAX(modality) AS modality,
  MAX(seriesdescription) AS series_description
FROM idxrecord
GROUP BY COALESCE(patientid, ''), studyinstanceuid, seriesinstanceuid
