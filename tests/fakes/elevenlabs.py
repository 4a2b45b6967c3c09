"""ElevenLabs Scribe: a transcript with word times, speakers and audio events."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.fakes.http import Received, Reply, json_reply
from tests.fakes.media import audio_seconds
from tests.fakes.service import Service, with_fault

TEXT = "Welcome back. (laughter) Today we change one second of a film, um, and nothing else. Subscribe for more!"

# Fault: HTTP status, detail.
ERRORS: dict[str, tuple[int, Any]] = {
    "concurrent": (429, {"status": "too_many_concurrent_requests", "message": "Too many concurrent requests."}),
    "busy": (429, {"status": "system_busy", "message": "The system is experiencing heavy traffic."}),
    "rate": (429, {"status": "rate_limit_exceeded", "message": "Slow down."}),
    "bad_key": (401, {"status": "invalid_api_key", "message": "Invalid API key"}),
    "quota": (401, {"status": "quota_exceeded", "message": "This request exceeds your quota."}),
    "permissions": (401, {"status": "missing_permissions", "message": "The API key misses speech_to_text."}),
    "payment": (402, {"status": "payment_required", "message": "Pay first."}),
    "forbidden": (403, {"status": "forbidden", "message": "Not from here."}),
    "invalid_file": (400, {"status": "invalid_audio", "message": "The file is no audio."}),
    "invalid": (422, [{"loc": ["body", "model_id"], "msg": "field required", "type": "value_error.missing"}]),
    "text_detail": (400, "just a text"),
    "too_large": (413, {"status": "file_too_large", "message": "Too large."}),
}


class FakeElevenLabs(Service):
    """The service."""

    name = "elevenlabs"
    key = "fake-elevenlabs-key-0123456789"
    ODDITIES = ("no_words", "no_text", "no_times", "new_kind", "backwards", "empty", "list")

    def answer(self, received: Received) -> Reply | None:
        if received.path not in ("/v1/speech-to-text", "/v1/models"):
            return None
        if received.headers.get("xi-api-key") != self.key:
            return _error("bad_key")
        if received.path == "/v1/models":
            fault = self.next_fault("check")
            return _error(fault) if fault in ERRORS else with_fault(fault, lambda: json_reply([]))
        fields, file = _multipart(received)
        if fields.get("model_id", [""])[-1] not in ("scribe_v1", "scribe_v2") or not file:
            return _error("invalid")
        fault = self.next_fault("submit", " ".join(fields.get("keyterms", [])))
        if fault in ERRORS:
            return _error(fault)

        def transcribe() -> Reply:
            seconds = audio_seconds(file) or 10.0
            factor = Decimal("1.2") if fields.get("keyterms") else Decimal(1)
            usd = Decimal("0.22") * Decimal(str(seconds)) / 3600 * factor
            self.charge(hashlib.sha256(file).hexdigest(), usd)
            return json_reply(_transcript(fields, seconds, fault))

        return with_fault(fault, transcribe)


def _transcript(fields: dict[str, list[str]], seconds: float, fault: str) -> object:
    speaks = fields.get("diarize", ["false"])[-1] == "true"
    pieces = TEXT.split(" ")
    step = seconds / len(pieces)
    words: list[dict[str, Any]] = []
    for number, piece in enumerate(pieces):
        start = round(number * step, 3)
        end = round((number + 0.8) * step, 3)
        kind = "audio_event" if piece.startswith("(") else "word"
        if kind == "audio_event" and fields.get("tag_audio_events", ["true"])[-1] == "false":
            continue
        if number:
            words.append({"text": " ", "start": round((number - 0.2) * step, 3), "end": start, "type": "spacing"})
        word: dict[str, Any] = {"text": piece, "start": start, "end": end, "type": kind, "logprob": -0.05}
        if speaks:
            word["speaker_id"] = "speaker_0" if number < len(pieces) // 2 else "speaker_1"
        words.append(word)
    content: dict[str, Any] = {
        "language_code": fields.get("language_code", ["eng"])[-1],
        "language_probability": 0.99,
        "text": TEXT,
        "words": words,
        "audio_duration_secs": seconds,
    }
    match fault:
        case "no_words":
            del content["words"]
        case "no_text":
            del content["text"]
        case "no_times":
            del words[0]["start"], words[0]["end"]
        case "new_kind":
            words[0]["type"] = "gesture"
        case "backwards":
            words[0]["start"], words[0]["end"] = 5.0, 1.0
        case "empty":
            return {}
        case "list":
            return []
        case "silence":
            content.update(text="", words=[])
        case "no_duration":
            del content["audio_duration_secs"]
    return content


def _multipart(received: Received) -> tuple[dict[str, list[str]], bytes]:
    head = f"content-type: {received.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + received.body)
    fields: dict[str, list[str]] = {}
    file = b""
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name == "file":
            file = content
        else:
            fields.setdefault(str(name), []).append(content.decode())
    return fields, file


def _error(fault: str) -> Reply:
    status, detail = ERRORS[fault]
    return json_reply({"detail": detail}, status)
