-- Files that lost their instance and wait for the purge: never live.
SELECT
  d.dirpath AS root,
  g.filepath AS path,
  'file in the trash without an instance' AS kind
FROM priv_file AS g
LEFT JOIN filesystem AS d ON d.pk = g.filesystem_fk
WHERE g.instance_fk IS NULL
