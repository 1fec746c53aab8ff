"""The kinds of problem that this API answers with: the status, the name its `type` ends with, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem. `slug` is stable: programs compare it. `meaning` is what its page says."""

    status: int
    slug: str
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """A path from the application's root, the same wherever a proxy mounts it."""
        return f"/problems/{self.slug}" if self.slug else "about:blank"


KINDS = {
    kind.slug: kind
    for kind in (
        Kind(
            400,
            "malformed",
            "Malformed request",
            "The request cannot be read: its body is not the JSON that it says it is, for example.",
        ),
        Kind(
            401,
            "unauthorized",
            "No usable key",
            "The request brings no key, or one that is not known here. Send it as `Authorization: Bearer <key>` "
            "or as `X-API-Key: <key>`, never in the URL. The header WWW-Authenticate says what was wrong.",
        ),
        Kind(
            403,
            "forbidden",
            "The key lacks the scope",
            "The key is known, but may not do this: it lacks the scope that `detail` names.",
        ),
        Kind(
            403,
            "call-policy",
            "The key may not place this call",
            "The key is known and has the scope, but a call policy says whom it may call, from where, when, how often: "
            "`detail` names the part that forbids it. Who has the scope `admin` can change the policy.",
        ),
        Kind(
            403,
            "key-network",
            "The key may not be used from there",
            "The key is good, but only from the networks that it was made for, and the request comes from elsewhere. "
            "Who has the scope `admin` can change its networks. Behind a proxy, TRUSTED_PROXIES must name it, or every "
            "request seems to come from the proxy.",
        ),
        Kind(
            403,
            "key-beyond",
            "More than the key itself may do",
            "A key may not make, change or rotate another one that may do more than itself: that has scopes which it "
            "lacks, or another call policy than its own.",
        ),
        Kind(
            403,
            "link-refused",
            "No link of ours",
            "The link was altered, or it was made with an API_SECRET_KEY that is not in use any more.",
        ),
        Kind(404, "no-such-path", "No such path", "This API has no such path: `/docs` lists what there is."),
        Kind(
            404,
            "not-found",
            "Not found",
            "The path is right, but the exchange has no such thing, or no longer: a channel that was hung up, "
            "for example.",
        ),
        Kind(
            404,
            "recording-gone",
            "The recording's file is not there",
            "The recording was made, or was to be made, and its file is not there: it was deleted, moved to an "
            "archive, or never written.",
        ),
        Kind(
            404,
            "recording-empty",
            "No sound was recorded",
            "The file is there, and holds no sound: nobody answered, or the call ended before anything was said.",
        ),
        Kind(
            405,
            "method-not-allowed",
            "Method not allowed",
            "The path exists, but not with this method. The header Allow lists those that it has.",
        ),
        Kind(
            406,
            "not-acceptable",
            "Not acceptable",
            "None of the media types that the header Accept asks for can be given.",
        ),
        Kind(409, "conflict", "Conflict", "It exists already, is in use, or is in a state that does not allow this."),
        Kind(
            409,
            "recording-in-progress",
            "Still being recorded",
            "The recording is still being written. Try again after the seconds in Retry-After, or once the call has "
            "ended.",
        ),
        Kind(
            409,
            "idempotency-key-in-use",
            "The first request is under way",
            "A request with this Idempotency-Key is being worked on. Ask again after the seconds in Retry-After, with "
            "the same Idempotency-Key: the answer will be that of the first. Without Retry-After nobody knows how the "
            "first one ended: what worked on it was killed. It is not done again for 24 hours: look at what is there, "
            "and take a new Idempotency-Key if it is not what you want.",
        ),
        Kind(
            409,
            "idempotency-answer-not-kept",
            "Done before, its answer not kept",
            "A request with this Idempotency-Key was answered, with the status that `detail` names, and is not done "
            "again. Its answer is not kept: it was larger than 1 MB. Read what it made.",
        ),
        Kind(
            410,
            "recording-deleted",
            "The recording was deleted",
            "Somebody deleted the recording in the exchange's own interface, and its call record says so.",
        ),
        Kind(
            410, "link-expired", "The link has expired", "A link to a recording is good for a time. Ask for a new one."
        ),
        Kind(
            412,
            "precondition-failed",
            "Changed in the meantime",
            "The ETag in If-Match is not that of the resource as it is now: somebody else changed it. Read it again.",
        ),
        Kind(413, "too-large", "Request too large", "The body is larger than this API takes."),
        Kind(
            415,
            "unsupported-media-type",
            "Unsupported media type",
            "The body must be JSON, and Content-Type must say so: `application/json`.",
        ),
        Kind(416, "range-not-satisfiable", "Range not satisfiable", "The asked range lies outside of the file."),
        Kind(
            422,
            "invalid",
            "Invalid values",
            "The request can be read, but values in it cannot be used. `errors` lists them by field; a query "
            "parameter or field that is not known is among them.",
        ),
        Kind(
            422,
            "idempotency-key-reused",
            "Idempotency-Key of another request",
            "This Idempotency-Key came before, with another body, path or query. Take a new one for each request.",
        ),
        Kind(429, "too-many-requests", "Too many requests", "Wait for the seconds in Retry-After."),
        Kind(500, "internal-error", "Internal error", "A fault of this API. Its log tells more under the request id."),
        Kind(
            500,
            "inconsistent",
            "Half done",
            "A change is half done and could not be undone. `steps` lists what was left, for somebody to look after.",
        ),
        Kind(
            501,
            "not-supported",
            "Not supported by this exchange",
            "This exchange, or its version, has no such thing. `GET /capabilities` says what works on it.",
        ),
        Kind(
            501,
            "not-permitted",
            "Not permitted to this API's manager user",
            "The exchange can do this, but the manager user of this API lacks the right: see `read` and `write` "
            "of its section in manager.conf.",
        ),
        Kind(
            501,
            "recording-not-permitted",
            "Recordings not permitted to this API's user",
            "The user that this API runs as may not read the recording, or not delete it: run it as a user in the "
            "group that the files belong to (usually asterisk), and let the group read, and write to delete. "
            "`pbxapi doctor` says more.",
        ),
        Kind(
            501,
            "voicemail-not-permitted",
            "Voicemail not permitted to this API's user",
            "The user that this API runs as may not read the messages of the mailbox, or not move and delete them: run "
            "it as a user in the group that they belong to (usually asterisk), and let the group read the files and "
            "write to the folders.",
        ),
        Kind(
            502,
            "refused",
            "Refused by the exchange",
            "The exchange was asked and said no. `detail` holds its own words.",
        ),
        Kind(
            502,
            "not-converted",
            "The recording could not be converted",
            "The program that converts sound (ffmpeg or sox) could make nothing of the recording. It can be had as it "
            "is, without `format`.",
        ),
        Kind(
            502,
            "apply-failed",
            "The configuration was not applied",
            "The exchange's reload failed, and what waited to be applied waits still. `detail` says what went wrong, "
            "and the log of this API holds what the reload printed.",
        ),
        Kind(
            503,
            "unavailable",
            "Unavailable",
            "A part that this needs cannot be reached. Try again after the seconds in Retry-After.",
        ),
        Kind(
            503,
            "ami-unavailable",
            "Manager interface unavailable",
            "Asterisk's manager interface (AMI) cannot be reached: Asterisk is down or restarting, or AMI_HOST "
            "and AMI_PORT point elsewhere. Nothing needs to be restarted here once it is back.",
        ),
        Kind(
            503,
            "ami-login-refused",
            "Manager login refused",
            "Asterisk refused the login of this API: check AMI_USERNAME and AMI_SECRET, and `permit` of that "
            "section in manager.conf.",
        ),
        Kind(
            503,
            "ari-unavailable",
            "ARI unavailable",
            "Asterisk's REST interface (ARI) is not enabled here (ARI_ENABLED) or cannot be reached.",
        ),
        Kind(503, "database-unavailable", "Database unavailable", "The exchange's database cannot be reached."),
        Kind(
            503,
            "store-unavailable",
            "Store unavailable",
            "The store of this API (STORE_URL) cannot be reached or lacks its tables (`pbxapi migrate`).",
        ),
        Kind(
            503,
            "recordings-unavailable",
            "Recordings unavailable",
            "The folder of the recordings (RECORDINGS_PATH) is not there or cannot be read now: it may not be mounted.",
        ),
        Kind(
            503,
            "streams-unavailable",
            "Too many recordings at once",
            "As many recordings are being sent or converted as may be at a time. Try again after the seconds in "
            "Retry-After. Behind nginx, RECORDINGS_ACCEL lifts the limit of those that are sent.",
        ),
        Kind(
            503,
            "exports-unavailable",
            "Too many exports",
            "As many exports of call records run as may at once (CDR_EXPORTS). Try again after the seconds in "
            "Retry-After.",
        ),
        Kind(
            504,
            "timeout",
            "The exchange did not answer in time",
            "The exchange was asked and did not answer in time. What was asked for may have happened all the "
            "same: look before asking again.",
        ),
    )
}


def of_status(status: int) -> Kind:
    """The kind that stands for a bare HTTP status; `about:blank` (RFC 9457, 4.2.1) where there is none."""
    found = next((kind for kind in KINDS.values() if kind.status == status), None)
    return found or Kind(status, "", HTTPStatus(status).phrase, "")
