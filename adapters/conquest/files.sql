-- DeviceName is the root (MAG0; "MAG0.Archiving" while it is being moved), ObjectFile lies below it.
-- The database may say MAG while the object already sits on the mirror: tried next.
WITH numbered AS (
  SELECT
    sopinstanc, devicename, objectfile,
    ROW_NUMBER() OVER (
      PARTITION BY sopinstanc ORDER BY devicename, objectfile, seriesinst
    ) AS nth
  FROM dicomimages
),
keyed AS (
  SELECT
    sopinstanc || CASE WHEN nth > 1 THEN '#' || CAST(nth AS TEXT) ELSE '' END AS instance_key,
    SPLIT_PART(devicename, '.', 1) AS device,
    objectfile
  FROM numbered
)
SELECT instance_key, 0 AS rank, device AS root, objectfile AS path, 'online' AS availability
FROM keyed
UNION ALL
SELECT
  instance_key, 1 AS rank, REPLACE(device, 'MAG', 'MIRROR') AS root, objectfile AS path,
  'online' AS availability
FROM keyed
WHERE device LIKE 'MAG%'
