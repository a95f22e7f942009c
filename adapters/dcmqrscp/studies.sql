-- The Patient ID is part of the key, so that a study under two patients is seen as two.
SELECT
  COALESCE(i.patientid, '') || '|' || COALESCE(i.studyinstanceuid, '') AS study_key,
  COALESCE(i.patientid, '') AS patient_key,
  i.studyinstanceuid AS study_instance_uid,
  MAX(i.studyid) AS study_id,
  MAX(i.studydate) AS study_date,
  MAX(i.studytime) AS study_time,
  MAX(i.accessionnumber) AS accession_number,
  MAX(i.referringphysicianname) AS referring_physician_name,
  MAX(i.studydescription) AS study_description,
  MAX(CAST(s.numberofregistratedimages AS BIGINT)) AS expected_instances
FROM idxrecord AS i
LEFT JOIN studydesc AS s ON s.studyinstanceuid = i.studyinstanceuid
GROUP BY COALESCE(i.patientid, ''), i.studyinstanceuid
