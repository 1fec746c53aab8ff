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
  id varchar(20) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '', data varchar(8100) NOT NULL,
  flags int NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword)
);
CREATE TABLE pjsip (
  id varchar(20) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '', data varchar(8100) NOT NULL,
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
  grpnum varchar(20) NOT NULL, strategy varchar(50), grptime smallint, grppre varchar(100), grplist varchar(255),
  annmsg_id int, postdest varchar(255), dring varchar(255), rvolume varchar(2), remotealert_id int,
  needsconf varchar(10), toolate_id int, pre_ring smallint DEFAULT 0, ringing varchar(80),
  calendar_enable tinyint(1) DEFAULT 0, calendar_id varchar(80) DEFAULT '', calendar_group_id varchar(80) DEFAULT '',
  calendar_match varchar(4) DEFAULT 'yes', PRIMARY KEY (grpnum)
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
  description longtext, type varchar(25), options longtext, defaultval varchar(255), readonly tinyint(1) DEFAULT 0,
  hidden tinyint(1) DEFAULT 0, category varchar(50), module varchar(50), emptyok tinyint(1) DEFAULT 1,
  sortorder int DEFAULT 0, PRIMARY KEY (keyword)
);
CREATE TABLE modules (
  id int NOT NULL AUTO_INCREMENT, modulename varchar(50) NOT NULL DEFAULT '', version varchar(20) NOT NULL DEFAULT '',
  enabled tinyint(1) NOT NULL DEFAULT 0, signature longblob, PRIMARY KEY (id)
);
CREATE TABLE featurecodes (
  modulename varchar(50) NOT NULL DEFAULT '', featurename varchar(50) NOT NULL DEFAULT '',
  description varchar(200) NOT NULL DEFAULT '', helptext varchar(500) NOT NULL DEFAULT '', defaultcode varchar(20),
  customcode varchar(20), enabled tinyint(1) NOT NULL DEFAULT 0, providedest tinyint(1) NOT NULL DEFAULT 0,
  depend varchar(200), PRIMARY KEY (modulename, featurename), KEY enabled (enabled)
);
CREATE TABLE ringgroups (
  grpnum varchar(20) NOT NULL, strategy varchar(50) NOT NULL, grptime smallint NOT NULL, grppre varchar(100),
  grplist varchar(255) NOT NULL, annmsg_id int, postdest varchar(255), description varchar(35) NOT NULL,
  alertinfo varchar(255), remotealert_id int, needsconf varchar(10), toolate_id int, ringing varchar(80),
  cwignore varchar(10), cfignore varchar(10), cpickup varchar(10), recording varchar(10) DEFAULT 'dontcare',
  progress varchar(10), elsewhere varchar(10), rvolume varchar(2) NOT NULL DEFAULT '', PRIMARY KEY (grpnum)
);
CREATE TABLE trunks (
  trunkid int NOT NULL DEFAULT 0, tech varchar(20) NOT NULL, channelid varchar(190) NOT NULL DEFAULT '',
  name varchar(50) NOT NULL DEFAULT '', outcid varchar(255) NOT NULL DEFAULT '', keepcid varchar(4) DEFAULT 'off',
  maxchans varchar(6) DEFAULT '', failscript varchar(255) NOT NULL DEFAULT '',
  dialoutprefix varchar(255) NOT NULL DEFAULT '', usercontext varchar(255), provider varchar(40),
  disabled varchar(4) DEFAULT 'off', `continue` varchar(4) DEFAULT 'off', routedisplay varchar(4) DEFAULT 'on',
  PRIMARY KEY (trunkid, tech, channelid)
);
CREATE TABLE incoming (
  cidnum varchar(50), extension varchar(50) NOT NULL, destination varchar(50), privacyman tinyint(1),
  alertinfo varchar(255), ringing varchar(20), fanswer varchar(20), mohclass varchar(80) NOT NULL DEFAULT 'default',
  description varchar(80), grppre varchar(80), delay_answer int, pricid varchar(20), pmmaxretries varchar(2),
  pmminlength varchar(2), reversal varchar(10), rvolume varchar(2) DEFAULT '',
  indication_zone varchar(20) DEFAULT 'default'
);
CREATE TABLE ivr_details (
  id int NOT NULL AUTO_INCREMENT, name varchar(50), description varchar(150), announcement int,
  directdial varchar(50), invalid_loops varchar(10), invalid_retry_recording varchar(25),
  invalid_destination varchar(50), timeout_enabled varchar(50), invalid_recording varchar(25), retvm varchar(8),
  timeout_time int, timeout_recording varchar(25), timeout_retry_recording varchar(25),
  timeout_destination varchar(50), timeout_loops varchar(10), timeout_append_announce tinyint(1) NOT NULL DEFAULT 1,
  invalid_append_announce tinyint(1) NOT NULL DEFAULT 1, timeout_ivr_ret tinyint(1) NOT NULL DEFAULT 0,
  invalid_ivr_ret tinyint(1) NOT NULL DEFAULT 0, alertinfo varchar(150), rvolume varchar(2) NOT NULL DEFAULT '',
  strict_dial_timeout tinyint(1) NOT NULL DEFAULT 2, accept_pound_key tinyint(1) NOT NULL DEFAULT 0, PRIMARY KEY (id)
);
CREATE TABLE ivr_entries (
  ivr_id int NOT NULL, selection varchar(30), dest varchar(200), ivr_ret tinyint(1) NOT NULL DEFAULT 0
);
CREATE TABLE kvstore_FreePBX_modules_Voicemail (
  `key` char(255) NOT NULL, val varchar(4096), type char(16), id char(255),
  UNIQUE KEY uniqueindex (`key`(120), id(120)), KEY keyindex (`key`(120)), KEY idindex (id(120))
);
CREATE TABLE meetme (
  exten varchar(50) NOT NULL, options varchar(15), userpin varchar(50), adminpin varchar(50), description varchar(50),
  joinmsg_id int, music varchar(80), users tinyint DEFAULT 0, PRIMARY KEY (exten)
);
CREATE TABLE paging_config (
  page_group varchar(190) NOT NULL, force_page int NOT NULL, duplex int NOT NULL DEFAULT 0,
  description varchar(255) NOT NULL DEFAULT '', PRIMARY KEY (page_group)
);
CREATE TABLE paging_groups (
  page_number varchar(50) NOT NULL, ext varchar(25) NOT NULL, PRIMARY KEY (page_number,ext)
);
CREATE TABLE parkplus (
  id int NOT NULL AUTO_INCREMENT, defaultlot varchar(10) NOT NULL DEFAULT 'no',
  type varchar(10) NOT NULL DEFAULT 'public', name varchar(40) NOT NULL DEFAULT '',
  parkext varchar(40) NOT NULL DEFAULT '', parkpos varchar(40) NOT NULL DEFAULT '', numslots int NOT NULL DEFAULT 4,
  parkingtime int NOT NULL DEFAULT 45, parkedmusicclass varchar(100) DEFAULT 'default',
  generatefc varchar(10) NOT NULL DEFAULT 'yes', generatehints varchar(10) NOT NULL DEFAULT 'yes',
  findslot varchar(10) NOT NULL DEFAULT 'first', parkedplay varchar(10) NOT NULL DEFAULT 'both',
  parkedcalltransfers varchar(10) NOT NULL DEFAULT 'caller',
  parkedcallreparking varchar(10) NOT NULL DEFAULT 'caller', alertinfo varchar(254) NOT NULL DEFAULT '',
  cidpp varchar(100) NOT NULL DEFAULT '', autocidpp varchar(10) NOT NULL DEFAULT 'none', announcement_id int,
  comebacktoorigin varchar(10) NOT NULL DEFAULT 'yes', dest varchar(100) NOT NULL DEFAULT 'app-blackhole,hangup,1',
  PRIMARY KEY (id)
);
CREATE TABLE vmblast (
  grpnum int NOT NULL, description varchar(35) NOT NULL, audio_label int NOT NULL DEFAULT -1,
  password varchar(20) NOT NULL, PRIMARY KEY (grpnum)
);
CREATE TABLE vmblast_groups (
  grpnum varchar(50) NOT NULL, ext varchar(25) NOT NULL, PRIMARY KEY (grpnum,ext)
);
CREATE TABLE custom_extensions (
  custom_exten varchar(80) NOT NULL DEFAULT '', description varchar(250) NOT NULL DEFAULT '',
  notes varchar(255) NOT NULL DEFAULT '', PRIMARY KEY (custom_exten)
);
CREATE TABLE miscapps (
  miscapps_id int NOT NULL AUTO_INCREMENT, ext varchar(50), description varchar(50), dest varchar(255),
  PRIMARY KEY (miscapps_id)
);
CREATE TABLE timeconditions (
  timeconditions_id int NOT NULL AUTO_INCREMENT, displayname varchar(50), time int, truegoto varchar(50),
  falsegoto varchar(50), deptname varchar(50), generate_hint tinyint(1) DEFAULT 0, priority varchar(50),
  PRIMARY KEY (timeconditions_id)
);
CREATE TABLE announcement (
  announcement_id int NOT NULL AUTO_INCREMENT, description varchar(50), recording_id int, allow_skip int,
  post_dest varchar(255), return_ivr tinyint(1) NOT NULL DEFAULT 0, noanswer tinyint(1) NOT NULL DEFAULT 0,
  repeat_msg varchar(2) NOT NULL DEFAULT '', tts_lang varchar(10) NOT NULL DEFAULT 'en-US',
  tts_text text NOT NULL DEFAULT '', PRIMARY KEY (announcement_id)
);
CREATE TABLE daynight (
  ext varchar(10) NOT NULL DEFAULT '', dmode varchar(40) NOT NULL DEFAULT '', dest varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (ext,dmode,dest)
);
CREATE TABLE setcid (
  cid_id int NOT NULL AUTO_INCREMENT, cid_name varchar(150), cid_num varchar(150), description varchar(50),
  dest varchar(255), variables text, PRIMARY KEY (cid_id)
);
CREATE TABLE languages (
  language_id int NOT NULL AUTO_INCREMENT, lang_code varchar(50), description varchar(50), dest varchar(255),
  PRIMARY KEY (language_id)
);
CREATE TABLE callback (
  callback_id int NOT NULL AUTO_INCREMENT, description varchar(50), callbacknum varchar(100), destination varchar(50),
  sleep int, deptname varchar(50), PRIMARY KEY (callback_id)
);
CREATE TABLE recordings (
  id int NOT NULL AUTO_INCREMENT, displayname varchar(50), filename blob, description varchar(254),
  fcode tinyint(1) DEFAULT 0, fcode_pass varchar(20), PRIMARY KEY (id)
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
  ('ASTSIPDRIVER', 'chan_pjsip', 'both'),
  ('USEDEVSTATE', '1', '1'),
  ('ENABLECW', '1', '1'),
  ('RINGTIMER', '15', '15'),
  ('CFRINGTIMERDEFAULT', '0', '0'),
  ('CONCURRENCYLIMITDEFAULT', '3', '3'),
  ('SIPSECRETSIZE', '32', '32'),
  ('DEVICE_STRONG_SECRETS', '1', '1'),
  ('DEVICE_REMOVE_MAILBOX', '0', '0'),
  ('DEVICE_SIP_DTMF', 'rfc2833', 'rfc2833'),
  ('DEVICE_SIP_TRUSTRPID', 'yes', 'yes'),
  ('DEVICE_SIP_SENDRPID', 'pai', 'pai'),
  ('DEVICE_SIP_QUALIFYFREQ', '60', '60'),
  ('DEVICE_SIP_NAT', 'yes', 'yes'),
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
  ('framework', '17.0.19.1', 1),
  ('core', '17.0.18.4', 1),
  ('voicemail', '17.0.5.23', 1),
  ('queues', '17.0.1.6', 1),
  ('findmefollow', '17.0.4.5', 1),
  ('ringgroups', '17.0.2.4', 1),
  ('cdr', '17.0.4.24', 1),
  ('cel', '17.0.2.7', 1),
  ('paging', '17.0.1', 0);
INSERT INTO admin (variable, value) VALUES
  ('need_reload', 'false'),
  ('default_directory', '1'),
  ('directory28_migrated', '1');
