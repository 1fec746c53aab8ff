"""The settings that each platform gives a new device, in its order, with their defaults.

FreePBX: module core 13.0.132, 14.0.29, 15.0.22.38, 16.0.68.30 and 17.0.18.4, drivers PJSip and Sip, and rows that
FreePBX 14, 16 and 17 wrote. Issabel: rows that IssabelPBX 2.11 and 2.12 wrote.

`{NAME}` in capitals is a setting of the platform, in small letters what differs by extension. An empty line is a
number of `flags` that is not used: a keyword that is put again later leaves its place. `: 15` is from that version on.
"""

from __future__ import annotations

FREEPBX_PJSIP = """
sipdriver = chan_pjsip

md5_cred = : 16
dtmfmode = {PJSIP_DTMF}
trustrpid = {DEVICE_SIP_TRUSTRPID}
sendrpid = {DEVICE_SIP_SENDRPID}
qualifyfreq = {DEVICE_SIP_QUALIFYFREQ}
transport =
avpf = no
timers = yes
icesupport = no
send_connected_line = yes : 13-16
send_connected_line = no : 17
user_eq_phone = no
namedcallgroup = {DEVICE_CALLGROUP}
namedpickupgroup = {DEVICE_PICKUPGROUP}
disallow = {DEVICE_DISALLOW}
allow = {DEVICE_ALLOW}
accountcode =

max_contacts = 1
remove_existing = yes : 15
media_use_received_transport = no
media_address = : 16
rtp_symmetric = yes
force_rport = yes
rewrite_contact = yes
mwi_subscription = auto
aggregate_mwi = no
media_encryption = no
media_encryption_optimistic = no
device_state_busy_at = 0
rtcp_mux = no
bundle = no : 14
minimum_expiration = 60 : 15
maximum_expiration = 7200 : 14
match =
rtp_timeout = 0 : 14
rtp_timeout_hold = 0 : 14
timers_min_se = 90 : 15
direct_media = yes : 14
force_callerid = no : 14
max_audio_streams = 1 : 14
max_video_streams = 1 : 14
webrtc = no : 14
defaultuser = : 14
message_context = : 15
refer_blind_progress = yes : 15
vmexten = : 15
outbound_auth = no : 15
dial = PJSIP/{number}
secret = {secret}
context = from-internal
mailbox = {number}@device
account = {number}
callerid = device <{number}> : 13-13
callerid = {name} <{number}> : 14-15
callerid = : 16
 : 14
outbound_proxy =
"""

FREEPBX_SIP = """
sipdriver = chan_sip
dtmfmode = {DEVICE_SIP_DTMF}
canreinvite = {DEVICE_SIP_CANREINVITE}
host = dynamic
trustrpid = {DEVICE_SIP_TRUSTRPID}
sendrpid = {DEVICE_SIP_SENDRPID}
type = friend
nat = {DEVICE_SIP_NAT}
port = 5060
qualify = {DEVICE_QUALIFY}
qualifyfreq = {DEVICE_SIP_QUALIFYFREQ}
transport = udp,tcp,tls
avpf = no
force_avp = no
sessiontimers = accept
videosupport = inherit
icesupport = no
encryption = {DEVICE_SIP_ENCRYPTION}
namedcallgroup = {DEVICE_CALLGROUP}
namedpickupgroup = {DEVICE_PICKUPGROUP}
disallow = {DEVICE_DISALLOW}
allow = {DEVICE_ALLOW}
accountcode =
vmexten =
deny = 0.0.0.0/0.0.0.0
permit = 0.0.0.0/0.0.0.0
defaultuser =
rtcp_mux = no
webrtc = : 15
dial = SIP/{number}
secret = {secret}
context = from-internal
mailbox = {number}@device
account = {number}
callerid = device <{number}> : 13-13
callerid = {name} <{number}> : 14-15
callerid = : 16
 : 14
outbound_proxy =
"""

ISSABEL_PJSIP = """
secret = {secret}
dtmfmode = rfc2833
context = from-internal
trustrpid = {DEVICE_SIP_TRUSTRPID}
sendrpid = {DEVICE_SIP_SENDRPID}
qualifyfreq = {DEVICE_SIP_QUALIFYFREQ}
transport = transport-udp
rtcp_mux = no
callgroup = {DEVICE_CALLGROUP}
pickupgroup = {DEVICE_PICKUPGROUP}
disallow = {DEVICE_DISALLOW}
allow = {DEVICE_ALLOW}
dial = PJSIP/{number}
accountcode =
mailbox = {number}
deny = 0.0.0.0/0.0.0.0
permit = 0.0.0.0/0.0.0.0
ice_support = no
use_avpf = no
dtls_cert_file =
dtls_private_key =
dtls_ca_file =
dtls_setup = actpass
dtls_verify = no
media_encryption = no
message_context =
subscribe_context =
allow_subscribe = yes
stir_shaken = off
nat = no
max_contacts = 1
remove_existing = no
qualify_timeout = 3.0
authenticate_qualify = no
direct_media = no
media_use_received_transport = no
outbound_proxy = : 5
account = {number}
callerid = device <{number}>
"""

ISSABEL_SIP = """
secret = {secret}
dtmfmode = rfc2833
canreinvite = {DEVICE_SIP_CANREINVITE}
context = from-internal
host = dynamic
trustrpid = {DEVICE_SIP_TRUSTRPID}
sendrpid = {DEVICE_SIP_SENDRPID}
type = friend
nat = {DEVICE_SIP_NAT}
port = 5060
qualify = {DEVICE_QUALIFY}
qualifyfreq = {DEVICE_SIP_QUALIFYFREQ}
transport = udp
avpf = no
force_avp = no
icesupport = no
dtlsenable = no
dtlsverify = no
dtlssetup = actpass
rtcp_mux = no
encryption = {DEVICE_SIP_ENCRYPTION}
callgroup = {DEVICE_CALLGROUP}
pickupgroup = {DEVICE_PICKUPGROUP}
disallow = {DEVICE_DISALLOW}
allow = {DEVICE_ALLOW}
dial = SIP/{number}
accountcode =
mailbox = {number}@device
deny = 0.0.0.0/0.0.0.0
permit = 0.0.0.0/0.0.0.0
account = {number}
callerid = device <{number}>
"""

FIRST_FLAG = 2
"""1 marks a disabled trunk, and such rows are not generated (FreePBX and Issabel, core)."""


def keywords(table: str, version: int) -> list[tuple[str, str, int]]:
    """Keyword, default and flag of each setting that a version has; `: 15` is from 15 on, `: 13-16` until 16."""
    found = []
    flag = FIRST_FLAG
    for line in table.strip("\n").split("\n"):
        text, _, versions = line.rpartition(" : ") if " : " in line else (line, "", "")
        first, _, last = versions.partition("-")
        if versions and not int(first) <= version <= int(last or version):
            continue
        keyword, _, default = text.partition(" =")
        if keyword.strip():
            found.append((keyword, default.strip(), flag))
        flag += 1
    return found
