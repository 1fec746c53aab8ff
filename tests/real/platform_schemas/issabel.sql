CREATE TABLE users (
  extension varchar(20) NOT NULL, password varchar(20), name varchar(50), voicemail varchar(50), ringtimer int,
  noanswer varchar(100), recording varchar(50), outboundcid varchar(50), sipname varchar(50), mohclass varchar(80),
  noanswer_cid varchar(20), busy_cid varchar(20), chanunavail_cid varchar(20), noanswer_dest varchar(255),
  busy_dest varchar(255), chanunavail_dest varchar(255), PRIMARY KEY (extension)
);
CREATE TABLE devices (
  id varchar(20) NOT NULL, tech varchar(10) NOT NULL, dial varchar(50) NOT NULL, devicetype varchar(5) NOT NULL,
  user varchar(50), description varchar(50), emergency_cid varchar(100), PRIMARY KEY (id)
);
CREATE TABLE sip (
  id varchar(20) NOT NULL, keyword varchar(30) NOT NULL, data varchar(255) NOT NULL, flags int NOT NULL,
  PRIMARY KEY (id,keyword)
);
CREATE TABLE iax (
  id varchar(20) NOT NULL, keyword varchar(30) NOT NULL, data varchar(255) NOT NULL, flags int NOT NULL,
  PRIMARY KEY (id,keyword)
);
CREATE TABLE dahdi (
  id varchar(20) NOT NULL, keyword varchar(30) NOT NULL, data varchar(255) NOT NULL, flags int NOT NULL,
  PRIMARY KEY (id,keyword)
);
CREATE TABLE findmefollow (
  grpnum varchar(20) NOT NULL, strategy varchar(50) NOT NULL, grptime smallint NOT NULL, grppre varchar(100),
  grplist varchar(255) NOT NULL, annmsg_id int, postdest varchar(255), dring varchar(255), remotealert_id int,
  needsconf varchar(10), toolate_id int, pre_ring smallint NOT NULL DEFAULT 0, ringing varchar(80),
  PRIMARY KEY (grpnum)
);
CREATE TABLE queues_config (
  extension varchar(45) NOT NULL DEFAULT '', descr varchar(35) NOT NULL DEFAULT '',
  grppre varchar(100) NOT NULL DEFAULT '', alertinfo varchar(254) NOT NULL DEFAULT '',
  ringing tinyint(1) NOT NULL DEFAULT 0, maxwait varchar(8) NOT NULL DEFAULT '',
  password varchar(20) NOT NULL DEFAULT '', ivr_id varchar(8) NOT NULL DEFAULT '0',
  dest varchar(50) NOT NULL DEFAULT '', destcontinue varchar(50) NOT NULL DEFAULT '',
  cwignore tinyint(1) NOT NULL DEFAULT 0, queuewait tinyint(1) DEFAULT 0, use_queue_context tinyint(1) DEFAULT 0,
  togglehint tinyint(1) DEFAULT 0, qnoanswer tinyint(1) DEFAULT 0, callconfirm tinyint(1) DEFAULT 0,
  callconfirm_id int, qregex varchar(255), agentannounce_id int, joinannounce_id int, monitor_type varchar(5),
  monitor_heard int, monitor_spoken int, callback_id varchar(8) NOT NULL DEFAULT '', PRIMARY KEY (extension)
);
CREATE TABLE queues_details (
  id varchar(45) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '',
  data varchar(150) NOT NULL DEFAULT '', flags int NOT NULL DEFAULT 0, PRIMARY KEY (id,keyword,data)
);
CREATE TABLE admin (
  variable varchar(20) NOT NULL, value varchar(80) NOT NULL, PRIMARY KEY (variable)
);
CREATE TABLE issabelpbx_settings (
  keyword varchar(50) NOT NULL, value varchar(255), name varchar(80), level tinyint(1), description text,
  type varchar(25), options text, defaultval varchar(255), readonly tinyint(1), hidden tinyint(1),
  category varchar(50), module varchar(25), emptyok tinyint(1), sortorder int, PRIMARY KEY (keyword)
);
CREATE TABLE modules (
  id int NOT NULL AUTO_INCREMENT, modulename varchar(50) NOT NULL, version varchar(20) NOT NULL,
  enabled tinyint(1) NOT NULL, PRIMARY KEY (id)
);
CREATE TABLE featurecodes (
  modulename varchar(50) NOT NULL, featurename varchar(50) NOT NULL, description varchar(200) NOT NULL,
  defaultcode varchar(20), customcode varchar(20), enabled tinyint(1) NOT NULL, providedest tinyint(1) NOT NULL,
  PRIMARY KEY (modulename,featurename)
);
CREATE TABLE ringgroups (
  grpnum varchar(20) NOT NULL, strategy varchar(50) NOT NULL, grptime smallint NOT NULL, grppre varchar(100),
  grplist varchar(255) NOT NULL, annmsg_id int, postdest varchar(255), description varchar(35) NOT NULL,
  alertinfo varchar(255), remotealert_id int, needsconf varchar(10), toolate_id int, ringing varchar(80),
  cwignore varchar(10), cfignore varchar(10), cpickup varchar(10), recording varchar(10) DEFAULT 'dontcare',
  PRIMARY KEY (grpnum)
);
CREATE TABLE trunks (
  trunkid int NOT NULL, name varchar(50) NOT NULL DEFAULT '', tech varchar(20) NOT NULL,
  outcid varchar(40) NOT NULL DEFAULT '', keepcid varchar(4) DEFAULT 'off', maxchans varchar(6) DEFAULT '',
  failscript varchar(255) NOT NULL DEFAULT '', dialoutprefix varchar(255) NOT NULL DEFAULT '',
  channelid varchar(255) NOT NULL DEFAULT '', usercontext varchar(255), provider varchar(40),
  disabled varchar(4) DEFAULT 'off', `continue` varchar(4) DEFAULT 'off', PRIMARY KEY (trunkid,tech,channelid)
);
CREATE TABLE incoming (
  cidnum varchar(20) NOT NULL, extension varchar(50) NOT NULL, destination varchar(50), faxexten varchar(20),
  faxemail varchar(50), answer tinyint(1), `wait` int, privacyman tinyint(1), alertinfo varchar(255),
  ringing varchar(20), mohclass varchar(80) NOT NULL, description varchar(80), grppre varchar(80), delay_answer int,
  pricid varchar(20), pmmaxretries varchar(2), pmminlength varchar(2), PRIMARY KEY (extension,cidnum)
);
CREATE TABLE ivr_details (
  id int NOT NULL AUTO_INCREMENT, name varchar(50), description varchar(150), announcement int,
  directdial varchar(50), invalid_loops varchar(10), invalid_retry_recording varchar(25),
  invalid_destination varchar(50), timeout_enabled varchar(50), invalid_recording varchar(25), retvm varchar(8),
  timeout_time int, timeout_recording varchar(25), timeout_retry_recording varchar(25),
  timeout_destination varchar(50), timeout_loops varchar(10), timeout_append_announce tinyint(1) NOT NULL DEFAULT 1,
  invalid_append_announce tinyint(1) NOT NULL DEFAULT 1, timeout_ivr_ret tinyint(1) NOT NULL DEFAULT 0,
  invalid_ivr_ret tinyint(1) NOT NULL DEFAULT 0, PRIMARY KEY (id)
);
CREATE TABLE ivr_entries (
  ivr_id int NOT NULL, selection varchar(10), dest varchar(50), ivr_ret tinyint(1) NOT NULL DEFAULT 0,
  spoken varchar(250) NOT NULL DEFAULT ''
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
INSERT INTO issabelpbx_settings (keyword, value, defaultval) VALUES
  ('AMPBIN', '/var/lib/asterisk/bin', '/var/lib/asterisk/bin'),
  ('AMPEXTENSIONS', 'extensions', 'extensions'),
  ('AMPMGRPASS', 'example-not-real', 'amp111'),
  ('AMPMGRUSER', 'admin', 'admin'),
  ('AMPSBIN', '/usr/sbin', '/usr/sbin'),
  ('ASTETCDIR', '/etc/asterisk', '/etc/asterisk'),
  ('ASTMANAGERHOST', '127.0.0.1', 'localhost'),
  ('ASTMANAGERPORT', '5038', '5038'),
  ('ASTRUNDIR', '/var/run/asterisk', '/var/run/asterisk'),
  ('ASTSPOOLDIR', '/var/spool/asterisk', '/var/spool/asterisk'),
  ('ASTVARLIBDIR', '/var/lib/asterisk', '/var/lib/asterisk'),
  ('CFRINGTIMERDEFAULT', '0', '0'),
  ('CONCURRENCYLIMITDEFAULT', '0', '0'),
  ('DEFAULT_INTERNAL_AUTO_ANSWER', 'disabled', 'disabled'),
  ('DEVICE_ALLOW', '', ''),
  ('DEVICE_CALLGROUP', '', ''),
  ('DEVICE_DISALLOW', '', ''),
  ('DEVICE_PICKUPGROUP', '', ''),
  ('DEVICE_QUALIFY', 'yes', 'yes'),
  ('DEVICE_REMOVE_MAILBOX', '0', '0'),
  ('DEVICE_SIP_CANREINVITE', 'no', 'no'),
  ('DEVICE_SIP_ENCRYPTION', 'no', 'no'),
  ('DEVICE_SIP_NAT', 'no', 'no'),
  ('DEVICE_SIP_QUALIFYFREQ', '60', '60'),
  ('DEVICE_SIP_SENDRPID', 'no', 'no'),
  ('DEVICE_SIP_TRUSTRPID', 'yes', 'yes'),
  ('DEVICE_STRONG_SECRETS', '1', '1'),
  ('ENABLECW', '1', '1'),
  ('FOLLOWME_AUTO_CREATE', '0', '0'),
  ('FOLLOWME_DISABLED', '1', '1'),
  ('FOLLOWME_PRERING', '7', '7'),
  ('FOLLOWME_RG_STRATEGY', 'ringallv2-prim', 'ringallv2-prim'),
  ('FOLLOWME_TIME', '20', '20'),
  ('MIXMON_DIR', '', ''),
  ('MIXMON_FORMAT', 'wav', 'wav'),
  ('RINGTIMER', '15', '15'),
  ('USEDEVSTATE', '1', '1'),
  ('USEDNDSTATE', '0', '0');
INSERT INTO modules (modulename, version, enabled) VALUES
  ('framework', '2.12.0.8', 1),
  ('core', '2.12.0.8', 1),
  ('voicemail', '2.12.0.2', 1),
  ('queues', '2.12.0.8', 1),
  ('findmefollow', '2.12.0.5', 1),
  ('ringgroups', '2.12.0.3', 1);
INSERT INTO admin (variable, value) VALUES
  ('need_reload', 'false'),
  ('version', '2.12.0'),
  ('ALLOW_SIP_ANON', 'no');
