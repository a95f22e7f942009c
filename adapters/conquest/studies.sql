SELECT
  studyinsta AS study_key,
  patientid AS patient_key,
  studyinsta AS study_instance_uid,
  studyid AS study_id,
  studydate AS study_date,
  studytime AS study_time,
  accessionn AS accession_number,
  referphysi AS referring_physician_name,
  studydescr AS study_description
FROM dicomstudies
