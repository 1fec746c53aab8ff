CREATE TABLE ps_endpoints (
  id VARCHAR(40) NOT NULL PRIMARY KEY,
  transport VARCHAR(40),
  aors VARCHAR(200),
  auth VARCHAR(40),
  context VARCHAR(40),
  disallow VARCHAR(200),
  allow VARCHAR(200),
  direct_media ENUM('yes', 'no'),
  rtp_symmetric ENUM('yes', 'no'),
  force_rport ENUM('yes', 'no'),
  rewrite_contact ENUM('yes', 'no'),
  dtmf_mode ENUM('rfc4733', 'inband', 'info', 'auto', 'auto_info'),
  callerid VARCHAR(40),
  mailboxes VARCHAR(40),
  call_group VARCHAR(40),
  pickup_group VARCHAR(40),
  named_call_group VARCHAR(40),
  named_pickup_group VARCHAR(40),
  accountcode VARCHAR(80),
  deny VARCHAR(95),
  permit VARCHAR(95),
  device_state_busy_at INT,
  webrtc ENUM('yes', 'no'),
  set_var TEXT
);
CREATE TABLE ps_auths (
  id VARCHAR(40) NOT NULL PRIMARY KEY,
  auth_type ENUM('md5', 'userpass', 'google_oauth'),
  nonce_lifetime INT,
  md5_cred VARCHAR(40),
  password VARCHAR(80),
  realm VARCHAR(40),
  username VARCHAR(40)
);
CREATE TABLE ps_aors (
  id VARCHAR(40) NOT NULL PRIMARY KEY,
  contact VARCHAR(255),
  default_expiration INT,
  mailboxes VARCHAR(80),
  max_contacts INT,
  minimum_expiration INT,
  remove_existing ENUM('yes', 'no'),
  qualify_frequency INT
);
