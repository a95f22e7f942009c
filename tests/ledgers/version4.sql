BEGIN TRANSACTION;
CREATE TABLE candidates (
	instance_key TEXT NOT NULL, 
	rank INTEGER NOT NULL, 
	mount TEXT NOT NULL, 
	relative TEXT NOT NULL, 
	container TEXT, 
	member TEXT, 
	size_bytes INTEGER, 
	digest_algorithm TEXT, 
	digest TEXT, 
	PRIMARY KEY (instance_key, rank)
)
 WITHOUT ROWID

;
INSERT INTO "candidates" VALUES('k1',0,'/old','k1.0',NULL,NULL,101,'md5','0cc175b9c0f1b6a831c399e269772661');
INSERT INTO "candidates" VALUES('k2',0,'/old','k2.0',NULL,NULL,102,'md5','0cc175b9c0f1b6a831c399e269772661');
INSERT INTO "candidates" VALUES('k2',1,'/old','k2.1',NULL,NULL,102,'md5','0cc175b9c0f1b6a831c399e269772661');
INSERT INTO "candidates" VALUES('k3',0,'/old','k3.0',NULL,NULL,103,'md5','0cc175b9c0f1b6a831c399e269772661');
INSERT INTO "candidates" VALUES('k4',0,'/old','k4.0',NULL,NULL,104,'md5','0cc175b9c0f1b6a831c399e269772661');
CREATE TABLE changes (
	instance_key TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	keyword TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT
);
INSERT INTO "changes" VALUES('k1','T13','PatientName',NULL,'A^B');
INSERT INTO "changes" VALUES('k2','T13','PatientName',NULL,'A^B');
INSERT INTO "changes" VALUES('k2','RESENT','','x','y');
CREATE TABLE contexts (
	sop_class_uid TEXT NOT NULL, 
	transfer_syntax_uid TEXT NOT NULL, 
	accepted BOOLEAN NOT NULL, 
	PRIMARY KEY (sop_class_uid, transfer_syntax_uid)
);
CREATE TABLE differences (
	study_instance_uid TEXT NOT NULL, 
	keyword TEXT NOT NULL, 
	sent TEXT, 
	found TEXT
);
CREATE TABLE earlier (
	instance_key TEXT NOT NULL, 
	digest TEXT, 
	sent_under TEXT, 
	PRIMARY KEY (instance_key)
);
CREATE TABLE files (
	mount TEXT NOT NULL, 
	relative TEXT NOT NULL, 
	size_bytes INTEGER, 
	state TEXT NOT NULL, 
	instance_key TEXT, 
	detail TEXT, 
	PRIMARY KEY (mount, relative), 
	CHECK (state IN ('used', 'spare_copy', 'withheld', 'attachment', 'index', 'orphan', 'orphan_duplicate', 'not_dicom', 'unreadable'))
)
 WITHOUT ROWID

;
INSERT INTO "files" VALUES('/old','k1.0',101,'used','k1',NULL);
INSERT INTO "files" VALUES('/old','k2.0',102,'used','k2',NULL);
INSERT INTO "files" VALUES('/old','k3.0',103,'used','k3',NULL);
INSERT INTO "files" VALUES('/old','k4.0',104,'used','k4',NULL);
INSERT INTO "files" VALUES('/old','k9.0',109,'orphan',NULL,NULL);
CREATE TABLE findings (
	stage TEXT NOT NULL, 
	sentence TEXT NOT NULL
);
CREATE TABLE instances (
	instance_key TEXT NOT NULL, 
	sop_instance_uid TEXT NOT NULL, 
	sop_class_uid TEXT, 
	series_instance_uid TEXT, 
	study_instance_uid TEXT, 
	study_date TEXT, 
	position INTEGER NOT NULL, 
	transfer_syntax_uid TEXT, 
	state TEXT NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	attempts INTEGER NOT NULL, 
	status INTEGER, 
	bytes INTEGER, 
	digest TEXT, 
	sent_under TEXT, 
	patient_id TEXT, 
	issuer_of_patient_id TEXT, 
	patient_name TEXT, 
	patient_birth_date TEXT, 
	accession_number TEXT, 
	sent_study_date TEXT, 
	overlays TEXT, 
	own_overlay TEXT, 
	envelope TEXT, 
	file TEXT, 
	seconds FLOAT, 
	stored_at TEXT, 
	verified_at TEXT, 
	PRIMARY KEY (instance_key), 
	CHECK (state IN ('planned', 'stored', 'stored_changed', 'failed', 'set_aside', 'verified', 'missing_at_target', 'differs_at_target'))
);
INSERT INTO "instances" VALUES('k1','1.2.1',NULL,'1.9.1','1.9','20140310',1,NULL,'stored',NULL,NULL,0,NULL,9,'abababababababababababababababababababababababababababababababab','first','P1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'k1.0',NULL,'2026-11-01T10:00:00+00:00',NULL);
INSERT INTO "instances" VALUES('k2','1.2.2',NULL,'1.9.1','1.9','20140310',2,NULL,'verified',NULL,NULL,0,NULL,9,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','first','P1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'k2.1',NULL,'2026-11-01T10:00:00+00:00','2026-11-01T11:00:00+00:00');
INSERT INTO "instances" VALUES('k3','1.2.3',NULL,'1.9.1','1.9','20140310',3,NULL,'failed','no_answer','x',2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "instances" VALUES('k4','1.2.4',NULL,'1.9.1','1.9','20140310',4,NULL,'planned',NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','4');
INSERT INTO "meta" VALUES('instances','4');
INSERT INTO "meta" VALUES('files','5');
CREATE TABLE overlays (
	overlay_key TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	attributes TEXT NOT NULL, 
	PRIMARY KEY (overlay_key), 
	CHECK (kind IN ('FACTS', 'DB', 'MAP'))
)
 WITHOUT ROWID

;
INSERT INTO "overlays" VALUES('a','DB','{}');
CREATE TABLE uids (
	old TEXT NOT NULL, 
	new TEXT NOT NULL, 
	PRIMARY KEY (old), 
	UNIQUE (new)
)
 WITHOUT ROWID

;
CREATE INDEX changes_charset ON changes (instance_key, "after") WHERE rule IN ('T01', 'T02');
CREATE INDEX changes_resent ON changes (instance_key) WHERE rule = 'RESENT';
CREATE INDEX ix_changes_instance_key ON changes (instance_key);
CREATE INDEX ix_differences_study_instance_uid ON differences (study_instance_uid);
CREATE INDEX ix_instances_position ON instances (position);
CREATE INDEX ix_instances_sop_instance_uid ON instances (sop_instance_uid);
CREATE INDEX ix_instances_state ON instances (state);
CREATE INDEX ix_instances_study_instance_uid ON instances (study_instance_uid);
CREATE INDEX ix_files_state ON files (state);
COMMIT;
