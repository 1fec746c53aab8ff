"""PJSIP objects as the manager shows them: every option of Asterisk 22 in its order, with the values of the demo.

`{...}` is filled in for each object. The order is that of the sorcery field hash and means nothing, but clients see it.
"""

from __future__ import annotations

from pbxapi.demo.wire import Message


def fill(template: str, **values: object) -> Message:
    """A template's headers with its values put in."""
    lines = (line.partition(":") for line in template.strip().splitlines())
    return [(name, value.strip().format_map(values)) for name, _, value in lines]


ENDPOINT = """
ObjectType: endpoint
ObjectName: {number}
RpidImmediate: false
Webrtc: no
Ignore183WithoutSdp: false
SendAoc: false
DeviceStateBusyAt: 0
T38UdptlMaxdatagram: 0
CodecPrefsIncomingAnswer: prefer:pending, operation:intersect, keep:all, transcode:allow
SecurityNegotiation: no
DtlsRekey: 0
RtpPortEnd: 0
NamedPickupGroup:
DirectMediaMethod: invite
SendRpid: true
PickupGroup:
SdpSession: Asterisk
DtlsVerify: No
MessageContext:
Tenantid:
Mailboxes: {mailboxes}
RecordOnFeature: automixmon
DtlsPrivateKey:
DtlsFingerprint: SHA-256
OverlapContext:
OutgoingCallOfferPref: remote_merge
RtpPortStart: 0
FromDomain:
TimersSessExpires: 1800
NamedCallGroup:
DtlsCipher:
MediaEncryptionOptimistic: false
SuppressQ850ReasonHeaders: false
Aors: {number}
IdentifyBy: username,ip
CalleridPrivacy: allowed_not_screened
MwiSubscribeReplacesUnsolicited: no
CosAudio: 0
FollowEarlyMediaFork: true
Context: from-internal
RtpSymmetric: true
Transport: transport-udp
MohSuggest: default
T38Udptl: false
FaxDetect: false
T38BindUdptlToMediaAddress: false
TosVideo: 0
SrtpTag32: false
ReferBlindProgress: true
MaxAudioStreams: 1
Bundle: false
UseAvpf: false
CallGroup:
SendConnectedLine: yes
FaxDetectTimeout: 0
SdpOwner: -
ForceRport: true
CalleridTag:
RtpTimeoutHold: 0
SuppressMohOnSendonly: false
UsePtime: false
MediaAddress:
VoicemailExtension:
RtpTimeout: 0
StirShaken: no
SetVar:
ContactAcl:
PreferredCodecOnly: false
GeolocOutgoingCallProfile:
ForceAvp: false
RecordOffFeature: automixmon
FromUser:
SendDiversion: true
SendHistoryInfo: false
T38UdptlIpv6: false
ToneZone:
Language:
AllowSubscribe: true
RtpIpv6: false
Callerid: {caller_id}
MohPassthrough: false
CosVideo: 0
DtlsAutoGenerateCert: No
AsymmetricRtpCodec: false
GeolocIncomingCallProfile:
IceSupport: false
AggregateMwi: true
OneTouchRecording: false
MwiFromUser:
RedirectMethod: user
Accountcode:
CodecPrefsOutgoingAnswer: prefer:pending, operation:intersect, keep:all, transcode:allow
Allow: (ulaw|alaw)
RewriteContact: true
UserEqPhone: false
RtpEngine: asterisk
FollowRedirectMethods:
SubscribeContext:
NotifyEarlyInuseRinging: false
IncomingMwiMailbox:
IncomingCallOfferPref: local
AllowUnauthenticatedOptions: false
Auth: {auth}
DirectMediaGlareMitigation: none
TrustIdInbound: false
StirShakenProfile:
BindRtpToMediaAddress: false
DisableDirectMediaOnNat: false
MediaEncryption: no
MediaUseReceivedTransport: false
AllowOverlap: true
DtmfMode: rfc4733
OutboundAuth: {outbound_auth}
TosAudio: 0
DtlsCertFile:
DtlsCaPath:
DtlsSetup: active
ConnectedLineMethod: invite
G726NonStandard: false
100rel: yes
Timers: yes
DirectMedia: false
Acl:
TimersMinSe: 90
TrustIdOutbound: false
SubMinExpiry: 0
RtcpMux: false
MaxVideoStreams: 1
AcceptMultipleSdpAnswers: false
CodecPrefsIncomingOffer: prefer:pending, operation:intersect, keep:all, transcode:allow
CodecPrefsOutgoingOffer: prefer:pending, operation:union, keep:all, transcode:allow
TrustConnectedLine: yes
SendPai: false
RtpKeepalive: 0
T38UdptlEc: none
T38UdptlNat: false
AllowTransfer: true
DtlsCaFile:
OutboundProxy:
InbandProgress: false
DeviceState: {device_state}
ActiveChannels: {active}
"""

AUTH = """
ObjectType: auth
ObjectName: {name}
OauthSecret:
PasswordDigest:
SupportedAlgorithmsUas: MD5
RefreshToken:
Username: {username}
Md5Cred:
Realm:
AuthType: userpass
Password: {password}
SupportedAlgorithmsUac: MD5
NonceLifetime: 32
OauthClientid:
"""

TRANSPORT = """
ObjectType: transport
ObjectName: transport-udp
WebsocketWriteTimeout: 100
Cos: 0
TcpKeepaliveEnable: false
Protocol: udp
SymmetricTransport: false
Domain:
VerifyServer: No
LocalNet:
Bind: 127.0.0.1:5060
AllowWildcardCerts: No
TcpKeepaliveIntervalTime: 1
AsyncOperations: 1
ExternalMediaAddress:
Method: unspecified
ExternalSignalingAddress:
RequireClientCert: No
TcpKeepaliveIdleTime: 30
Tos: 0
CaListPath:
Cipher:
CertFile:
ExternalSignalingPort: 0
Password:
AllowReload: false
VerifyClient: No
TcpKeepaliveProbeCount: 5
PrivKeyFile:
CaListFile:
"""

AOR = """
ObjectType: aor
ObjectName: {number}
MinimumExpiration: 10
DefaultExpiration: 3600
QualifyTimeout: 3.000000
Qualify2xxOnly: false
Mailboxes:
SupportPath: false
RemoveUnavailable: false
VoicemailExtension:
MaxContacts: 2
AuthenticateQualify: false
Contacts: {contacts}
MaximumExpiration: 7200
QualifyFrequency: {qualify}
RemoveExisting: true
OutboundProxy:
"""

CONTACT = """
ObjectType: contact
ObjectName: {contact_id}
ViaAddr: {host}
QualifyTimeout: 3.000000
Qualify2xxOnly: false
CallId: {call_id}
RegServer: {system}
PruneOnBoot: no
Path:
Endpoint: {number}
ViaPort: 5060
AuthenticateQualify: no
Uri: {uri}
QualifyFrequency: {qualify}
UserAgent: {user_agent}
ExpirationTime: {expires}
OutboundProxy:
Status: {status}
RoundtripUsec: {usec}
"""

CONTACT_STATUS = """
AOR: {number}
URI: {uri}
UserAgent: {user_agent}
RegExpire: {expires}
ViaAddress: {host}:5060
CallID: {call_id}
Status: {status}
RoundtripUsec: {usec}
EndpointName: {number}
ID: {contact_id}
AuthenticateQualify: 0
OutboundProxy:
Path:
QualifyFrequency: {qualify}
QualifyTimeout: 3.000
Qualify2xxOnly: 0
"""

REGISTRATION = """
ObjectType: registration
ObjectName: trunk-registration
MaxRetries: 10
ClientUri: sip:demo@198.51.100.10
SecurityNegotiation: no
AuthRejectionPermanent: true
ServerUri: sip:198.51.100.10
MaxRandomInitialDelay: 10
SupportPath: false
RetryInterval: 30
ContactHeaderParams:
Expiration: 3600
Transport:
Line: false
ContactUser:
Endpoint:
UserAgent:
ForbiddenRetryInterval: 0
OutboundAuth: trunk
OutboundProxy:
FatalRetryInterval: 0
SupportOutbound: no
Status: Registered
NextReg: 0
"""
