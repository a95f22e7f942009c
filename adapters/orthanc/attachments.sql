-- What lies beside the objects and is none: header copies, JSON summaries, attachments of users.
SELECT
  '' AS root,
  SUBSTR(uuid, 1, 2) || '/' || SUBSTR(uuid, 3, 2) || '/' || uuid AS path,
  filetype AS kind
FROM attachedfiles
WHERE filetype <> '1'
