-- The file name is the key: one SOP Instance UID may lie in several storage areas. DCMTK fills a
-- deleted record with zeros; one that still says which object it was is told apart, not dropped.
SELECT
  filename AS instance_key,
  COALESCE(patientid, '') || '|' || COALESCE(studyinstanceuid, '') || '|'
    || COALESCE(seriesinstanceuid, '') AS series_key,
  sopinstanceuid AS sop_instance_uid,
  sopclassuid AS sop_class_uid,
  imagenumber AS instance_number,
  'live' AS visibility
FROM idxrecord
UNION ALL
SELECT
  'deleted ' || sopinstanceuid AS instance_key,
  COALESCE(patientid, '') || '|' || COALESCE(studyinstanceuid, '') || '|'
    || COALESCE(seriesinstanceuid, '') AS series_key,
  sopinstanceuid AS sop_instance_uid,
  sopclassuid AS sop_class_uid,
  imagenumber AS instance_number,
  'deleted' AS visibility
FROM idxrecord_deleted
WHERE sopinstanceuid <> ''
