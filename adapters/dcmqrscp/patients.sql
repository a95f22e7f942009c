-- There is no table of patients: each image carries its patient's attributes as it came. Where the
-- images of one Patient ID differ the greatest value is shown; what is sent is in the files.
SELECT
  COALESCE(patientid, '') AS patient_key,
  COALESCE(patientid, '') AS patient_id,
  MAX(issuerofpatientid) AS issuer_of_patient_id,
  MAX(patientname) AS patient_name,
  MAX(patientbirthdate) AS patient_birth_date,
  MAX(patientsex) AS patient_sex,
  MAX(otherpatientids) AS other_patient_ids
FROM idxrecord
GROUP BY COALESCE(patientid, '')
