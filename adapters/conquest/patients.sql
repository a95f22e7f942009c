SELECT
  patientid AS patient_key,
  patientid AS patient_id,
  patientnam AS patient_name,
  patientbir AS patient_birth_date,
  patientsex AS patient_sex
FROM dicompatients
