-- hidden is of 2.5 and 2.6 only, on each level. Without a file an object is at another archive
-- (ext_retr_aet), on a medium (files.sql) or purged; priv_instance is the trash.
WITH stored AS (
  SELECT instance_fk, COUNT(*) AS copies FROM files WHERE instance_fk IS NOT NULL GROUP BY instance_fk
)
SELECT
  i.pk AS instance_key,
  i.series_fk AS series_key,
  i.sop_iuid AS sop_instance_uid,
  i.sop_cuid AS sop_class_uid,
  i.inst_no AS instance_number,
  CASE
    WHEN i.hidden IN ('1', 't', 'true') OR s.hidden IN ('1', 't', 'true')
      OR t.hidden IN ('1', 't', 'true') OR p.hidden IN ('1', 't', 'true') THEN 'hidden'
    WHEN f.copies IS NULL AND LENGTH(i.ext_retr_aet) > 0 THEN 'remote'
    ELSE 'live'
  END AS visibility,
  i.inst_attrs AS attributes
FROM instance AS i
LEFT JOIN stored AS f ON f.instance_fk = i.pk
LEFT JOIN series AS s ON s.pk = i.series_fk
LEFT JOIN study AS t ON t.pk = s.study_fk
LEFT JOIN patient AS p ON p.pk = t.patient_fk
UNION ALL
SELECT
  'trash:' || pk AS instance_key,
  'trash:' || series_fk AS series_key,
  sop_iuid AS sop_instance_uid,
  CAST(NULL AS TEXT) AS sop_class_uid,
  CAST(NULL AS TEXT) AS instance_number,
  'deleted' AS visibility,
  inst_attrs AS attributes
FROM priv_instance
