-- A DBF set has no unique key: a SOP Instance UID may stand in several rows. The first keeps its
-- UID as its key, the others get a number; files.sql counts in the same order.
WITH numbered AS (
  SELECT
    sopinstanc, sopclassui, seriesinst, imagenumbe,
    ROW_NUMBER() OVER (
      PARTITION BY sopinstanc ORDER BY devicename, objectfile, seriesinst
    ) AS nth
  FROM dicomimages
)
SELECT
  sopinstanc || CASE WHEN nth > 1 THEN '#' || CAST(nth AS TEXT) ELSE '' END AS instance_key,
  seriesinst AS series_key,
  sopinstanc AS sop_instance_uid,
  sopclassui AS sop_class_uid,
  imagenumbe AS instance_number,
  'live' AS visibility
FROM numbered
