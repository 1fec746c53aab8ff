CREATE TABLE users (
  extension varchar(20) NOT NULL DEFAULT '', password varchar(20), name varchar(50), voicemail varchar(50),
  ringtimer int, noanswer varchar(100), recording varchar(50), outboundcid varchar(50), sipname varchar(50),
  noanswer_cid varchar(20) NOT NULL DEFAULT '', busy_cid varchar(20) NOT NULL DEFAULT '',
  chanunavail_cid varchar(20) NOT NULL DEFAULT '', noanswer_dest varchar(255) NOT NULL DEFAULT '',
  busy_dest varchar(255) NOT NULL DEFAULT '', chanunavail_dest varchar(255) NOT NULL DEFAULT '',
  mohclass varchar(80) DEFAULT 'default', KEY extension (extension)
);
CREATE TABLE devices (
  id varchar(20) NOT NULL DEFAULT '', tech varchar(10) NOT NULL DEFAULT '', dial varchar(255) NOT NULL DEFAULT '',
  devicetype varchar(5) NOT NULL DEFAULT '', user varchar(50), description varchar(50), emergency_cid varchar(100),
  hint_override varchar(100), KEY id (id), KEY tech (tech)
);
CREATE TABLE emergencydevices (
  id varchar(20) NOT NULL, tech varchar(10) NOT NULL, dial varchar(255) NOT NULL, devicetype varchar(10),
  user varchar(50), description varchar(100), emergency_cid varchar(100), hint_override varchar(100)
);
CREATE TABLE sip (
  id varchar(20) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '', data varchar(255) NOT NULL,
  flags int NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword)
);
CREATE TABLE pjsip (
  id varchar(20) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '', data varchar(255) NOT NULL,
  flags int NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword)
);
CREATE TABLE iax (
  id varchar(20) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '', data varchar(255) NOT NULL,
  flags int NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword)
);
CREATE TABLE dahdi (
  id varchar(20) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '',
  data varchar(255) NOT NULL DEFAULT '', flags int NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword)
);
CREATE TABLE findmefollow (
  grpnum varchar(20) NOT NULL, strategy varchar(50) NOT NULL, grptime smallint NOT NULL, grppre varchar(100),
  grplist varchar(255) NOT NULL, annmsg_id int, postdest varchar(255), dring varchar(255),
  rvolume varchar(2) NOT NULL DEFAULT '', remotealert_id int, needsconf varchar(10), toolate_id int,
  pre_ring smallint NOT NULL DEFAULT 0, ringing varchar(80), PRIMARY KEY (grpnum)
);
CREATE TABLE queues_config (
  extension varchar(20) NOT NULL DEFAULT '', descr varchar(35) NOT NULL DEFAULT '',
  grppre varchar(100) NOT NULL DEFAULT '', alertinfo varchar(254) NOT NULL DEFAULT '',
  ringing tinyint(1) NOT NULL DEFAULT 0, maxwait varchar(8) NOT NULL DEFAULT '',
  password varchar(20) NOT NULL DEFAULT '', ivr_id varchar(8) NOT NULL DEFAULT '0',
  dest varchar(50) NOT NULL DEFAULT '', cwignore tinyint(1) NOT NULL DEFAULT 0, queuewait tinyint(1) DEFAULT 0,
  use_queue_context tinyint(1) DEFAULT 0, togglehint tinyint(1) DEFAULT 0, qnoanswer tinyint(1) DEFAULT 0,
  callconfirm tinyint(1) DEFAULT 0, callconfirm_id int, qregex varchar(255), agentannounce_id int,
  joinannounce_id int, monitor_type varchar(5), monitor_heard int, monitor_spoken int,
  callback_id varchar(8) NOT NULL DEFAULT '', PRIMARY KEY (extension)
);
CREATE TABLE queues_details (
  id varchar(45) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '',
  data varchar(150) NOT NULL DEFAULT '', flags int NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword, data)
);
CREATE TABLE admin (
  variable varchar(20) NOT NULL DEFAULT '', value varchar(80) NOT NULL DEFAULT '', PRIMARY KEY (variable)
);
CREATE TABLE freepbx_settings (
  keyword varchar(50) NOT NULL DEFAULT '', value varchar(255), name varchar(80), level tinyint(1) DEFAULT 0,
  description text, type varchar(25), options text, defaultval varchar(255), readonly tinyint(1) DEFAULT 0,
  hidden tinyint(1) DEFAULT 0, category varchar(50), module varchar(25), emptyok tinyint(1) DEFAULT 1,
  sortorder int DEFAULT 0, PRIMARY KEY (keyword)
);
CREATE TABLE modules (
  id int NOT NULL AUTO_INCREMENT, modulename varchar(50) NOT NULL DEFAULT '', version varchar(20) NOT NULL DEFAULT '',
  enabled tinyint NOT NULL DEFAULT 0, signature blob, PRIMARY KEY (id)
);
CREATE TABLE featurecodes (
  modulename varchar(50) NOT NULL DEFAULT '', featurename varchar(50) NOT NULL DEFAULT '',
  description varchar(200) NOT NULL DEFAULT '', helptext varchar(250) NOT NULL DEFAULT '', defaultcode varchar(20),
  customcode varchar(20), enabled tinyint NOT NULL DEFAULT 0, providedest tinyint NOT NULL DEFAULT 0,
  PRIMARY KEY (modulename, featurename), KEY enabled (enabled)
);
CREATE TABLE ringgroups (
  grpnum varchar(20) NOT NULL, strategy varchar(50) NOT NULL, grptime smallint NOT NULL, grppre varchar(100),
  grplist varchar(255) NOT NULL, annmsg_id int, postdest varchar(255), description varchar(35) NOT NULL,
  alertinfo varchar(255), remotealert_id int, needsconf varchar(10), toolate_id int, ringing varchar(80),
  cwignore varchar(10), cfignore varchar(10), cpickup varchar(10), recording varchar(10) DEFAULT 'dontcare',
  progress varchar(10), elsewhere varchar(10), rvolume varchar(2) NOT NULL DEFAULT '', PRIMARY KEY (grpnum)
);
CREATE TABLE trunks (
  trunkid int NOT NULL DEFAULT 0, tech varchar(20) NOT NULL, channelid varchar(255) NOT NULL DEFAULT '',
  name varchar(50) NOT NULL DEFAULT '', outcid varchar(40) NOT NULL DEFAULT '', keepcid varchar(4) DEFAULT 'off',
  maxchans varchar(6) DEFAULT '', failscript varchar(255) NOT NULL DEFAULT '',
  dialoutprefix varchar(255) NOT NULL DEFAULT '', usercontext varchar(255), provider varchar(40),
  disabled varchar(4) DEFAULT 'off', `continue` varchar(4) DEFAULT 'off', PRIMARY KEY (trunkid, tech, channelid)
);
CREATE TABLE incoming (
  cidnum varchar(20), extension varchar(50) NOT NULL, destination varchar(50), faxexten varchar(20),
  faxemail varchar(50), answer tinyint(1), `wait` int, privacyman tinyint(1), alertinfo varchar(255),
  ringing varchar(20), mohclass varchar(80) NOT NULL DEFAULT 'default', description varchar(80), grppre varchar(80),
  delay_answer int, pricid varchar(20), pmmaxretries varchar(2), pmminlength varchar(2), reversal varchar(10),
  rvolume varchar(2) DEFAULT ''
);
CREATE TABLE ivr_details (
  id int NOT NULL AUTO_INCREMENT, name varchar(50), description varchar(150), announcement int,
  directdial varchar(50), invalid_loops varchar(10), invalid_retry_recording varchar(25),
  invalid_destination varchar(50), timeout_enabled varchar(50), invalid_recording varchar(25), retvm varchar(8),
  timeout_time int, timeout_recording varchar(25), timeout_retry_recording varchar(25),
  timeout_destination varchar(50), timeout_loops varchar(10), timeout_append_announce tinyint(1) NOT NULL DEFAULT 1,
  invalid_append_announce tinyint(1) NOT NULL DEFAULT 1, timeout_ivr_ret tinyint(1) NOT NULL DEFAULT 0,
  invalid_ivr_ret tinyint(1) NOT NULL DEFAULT 0, alertinfo varchar(150), rvolume varchar(2) NOT NULL DEFAULT '',
  PRIMARY KEY (id)
);
CREATE TABLE ivr_entries (
  ivr_id int NOT NULL, selection varchar(30), dest varchar(200), ivr_ret tinyint(1) NOT NULL DEFAULT 0
);
CREATE TABLE kvstore (
  module char(64) NOT NULL, `key` char(255) NOT NULL, val longblob, type char(16), id char(255),
  KEY index1 (`key`(50)), UNIQUE KEY index3 (module, `key`(50), id(50)), KEY index5 (module, id(50))
);
INSERT INTO freepbx_settings (keyword, value, defaultval) VALUES
  ('AMPMGRUSER', 'admin', 'admin'),
  ('AMPMGRPASS', 'example-not-real', 'amp111'),
  ('ASTMANAGERHOST', 'localhost', 'localhost'),
  ('ASTMANAGERPORT', '5038', '5038'),
  ('ASTETCDIR', '/etc/asterisk', '/etc/asterisk'),
  ('ASTSPOOLDIR', '/var/spool/asterisk', '/var/spool/asterisk'),
  ('ASTVARLIBDIR', '/var/lib/asterisk', '/var/lib/asterisk'),
  ('ASTRUNDIR', '/var/run/asterisk', '/var/run/asterisk'),
  ('AMPEXTENSIONS', 'extensions', 'extensions'),
  ('ASTSIPDRIVER', 'both', 'both'),
  ('USEDEVSTATE', '1', '1'),
  ('ENABLECW', '1', '1'),
  ('RINGTIMER', '15', '15'),
  ('CFRINGTIMERDEFAULT', '0', '0'),
  ('SIPSECRETSIZE', '32', '32'),
  ('DEVICE_STRONG_SECRETS', '1', '1'),
  ('DEVICE_REMOVE_MAILBOX', '0', '0'),
  ('DEVICE_SIP_DTMF', 'rfc2833', 'rfc2833'),
  ('DEVICE_SIP_TRUSTRPID', 'yes', 'yes'),
  ('DEVICE_SIP_SENDRPID', 'no', 'no'),
  ('DEVICE_SIP_QUALIFYFREQ', '60', '60'),
  ('DEVICE_SIP_NAT', 'no', 'no'),
  ('DEVICE_SIP_CANREINVITE', 'no', 'no'),
  ('DEVICE_QUALIFY', 'yes', 'yes'),
  ('DEVICE_SIP_ENCRYPTION', 'no', 'no'),
  ('DEVICE_DISALLOW', '', ''),
  ('DEVICE_ALLOW', '', ''),
  ('DEVICE_CALLGROUP', '', ''),
  ('DEVICE_PICKUPGROUP', '', ''),
  ('FOLLOWME_AUTO_CREATE', '0', '0'),
  ('FOLLOWME_DISABLED', '1', '1'),
  ('FOLLOWME_TIME', '20', '20'),
  ('FOLLOWME_PRERING', '7', '7'),
  ('FOLLOWME_RG_STRATEGY', 'ringallv2-prim', 'ringallv2-prim'),
  ('MIXMON_DIR', '', ''),
  ('MIXMON_FORMAT', 'wav', 'wav'),
  ('DEFAULT_INTERNAL_AUTO_ANSWER', 'disabled', 'disabled'),
  ('AMPBIN', '/var/lib/asterisk/bin', '/var/lib/asterisk/bin'),
  ('AMPSBIN', '/usr/sbin', '/usr/sbin');
INSERT INTO modules (modulename, version, enabled) VALUES
  ('framework', '13.0.197.28', 1),
  ('core', '13.0.132', 1),
  ('voicemail', '13.0.52', 1),
  ('queues', '13.0.34.18', 1),
  ('findmefollow', '13.0.38.14', 1),
  ('ringgroups', '13.0.23.5', 1),
  ('cdr', '13.0.37', 1),
  ('cel', '13.0.26.14', 1);
INSERT INTO admin (variable, value) VALUES
  ('need_reload', 'false'),
  ('default_directory', '1'),
  ('directory28_migrated', '1');
