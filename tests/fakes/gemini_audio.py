"""Google Gemini listening to a sound: emotions as JSON of the schema that came along, on generateContent."""

from __future__ import annotations

import hashlib
import json
import math
import re
from decimal import Decimal
from typing import Any

from tests.fakes.google import ERRORS, FakeGemini, bad_key, blob_of, google_error
from tests.fakes.http import Received, Reply, json_reply
from tests.fakes.media import audio_seconds
from tests.fakes.service import Service, with_fault

EMOTIONS = ("joyful", "neutral", "sad", "angry")


class FakeGeminiAudio(Service):
    """The service; a sound is parted into four stretches with pauses between them."""

    name = "gemini-audio"
    key = FakeGemini.key
    models = ("gemini-3.5-flash",)
    REFUSALS = ("prompt_blocked", "SAFETY", "PROHIBITED_CONTENT", "SOMETHING_NEW", "text_only")
    ODDITIES = (
        "empty",
        "no_parts",
        "half_answer",
        "cut_off_answer",
        "bare_list",
        "no_stretches",
        "strange_label",
        "no_label",
        "no_time",
        "text_time",
        "boolean_time",
        "backwards",
        "overlap",
        "beyond",
        "before",
        "sure_by_two",
        "no_confidence",
        "word_for_stretch",
        "list",
        "other_json",
    )

    def answer(self, received: Received) -> Reply | None:
        match = re.fullmatch(r"/v1beta/models/([\w.-]+)(:generateContent)?", received.path)
        if match is None or match[1] not in self.models:
            return None
        if received.headers.get("x-goog-api-key") != self.key:
            return bad_key()
        if received.method == "GET":
            fault = self.next_fault("check")
            return ERRORS[fault]() if fault in ERRORS else with_fault(fault, lambda: json_reply({"name": match[1]}))
        content = received.json()
        problem = _problem(content)
        if problem:
            return google_error(400, "INVALID_ARGUMENT", problem)
        fault = self.next_fault("submit")
        if fault in ERRORS:
            return ERRORS[fault]()
        return with_fault(fault, lambda: self._listen(match[1], content, fault))

    def _listen(self, model: str, content: dict[str, Any], fault: str) -> Reply:
        if fault == "prompt_blocked":
            return json_reply({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
        if fault == "text_only":
            return json_reply(_candidate("I cannot judge the feelings of people.", "STOP"))
        if fault in self.REFUSALS:
            return json_reply({"candidates": [{"finishReason": fault, "index": 0}]})
        sound = blob_of(content["contents"][0]["parts"][1])
        seconds = audio_seconds(sound) or 4.0
        usage = {
            "promptTokenCount": math.ceil(seconds * 32) + 150,
            "candidatesTokenCount": math.ceil(seconds / 8) * 36,
            "thoughtsTokenCount": 1000,
        }
        written = usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
        usd = (Decimal(usage["promptTokenCount"]) * Decimal("1.5") + written * 9) / 1_000_000
        self.charge(hashlib.sha256(sound).hexdigest(), usd)
        reply = _odd(fault, seconds)
        return json_reply(reply | {"usageMetadata": usage, "modelVersion": model} if isinstance(reply, dict) else reply)


def _problem(content: dict[str, Any]) -> str:
    parts = content["contents"][0]["parts"]
    config = content.get("generationConfig", {})
    schema = config.get("responseJsonSchema")
    if config.get("responseMimeType") != "application/json" or not isinstance(schema, dict):
        return "responseJsonSchema needs responseMimeType application/json"
    inline = parts[-1].get("inlineData") or parts[-1].get("inline_data") or {}
    mime = str(inline.get("mimeType") or inline.get("mime_type"))
    if len(parts) != 2 or "text" not in parts[0] or not mime.startswith("audio/"):
        return "expected a text and a sound"
    return ""


def _candidate(text: str, reason: str = "STOP") -> dict[str, Any]:
    parts = [{"text": "Listening to the voices", "thought": True}, {"text": text}]
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}]}


def _stretches(seconds: float) -> list[dict[str, Any]]:
    step = seconds / len(EMOTIONS)
    return [
        {
            "start_s": round(number * step, 2),
            "end_s": round((number + 0.9) * step, 2),
            "emotion": emotion,
            "confidence": round(0.9 - 0.1 * number, 2),
        }
        for number, emotion in enumerate(EMOTIONS)
    ]


def _odd(fault: str, seconds: float) -> Any:
    stretches: list[Any] = _stretches(seconds)
    match fault:
        case "empty":
            return {}
        case "no_parts":
            return {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}
        case "list":
            return [1, 2]
        case "other_json":
            return {"candidates": "none today"}
        case "half_answer":
            return _candidate('{"stretches": [{"start_s": 0')
        case "cut_off_answer":
            return _candidate('{"stretches": [{"start_s": 0', "MAX_TOKENS")
        case "bare_list":
            return _candidate(json.dumps(stretches))
        case "no_stretches":
            return _candidate("{}")
        case "silence":
            stretches = []
        case "strange_label":
            stretches[1]["emotion"] = "hangry"
        case "no_label":
            del stretches[1]["emotion"]
        case "no_time":
            del stretches[0]["end_s"]
        case "text_time":
            stretches[0]["end_s"] = "0:01"
        case "boolean_time":
            stretches[0]["end_s"] = True
        case "backwards":
            stretches[0]["start_s"], stretches[0]["end_s"] = 1.0, 0.5
        case "overlap":
            stretches[1]["start_s"] = stretches[0]["start_s"]
        case "beyond":
            stretches[-1]["end_s"] = seconds + 7
        case "a_little_beyond":
            stretches[-1]["end_s"] = seconds + 0.4
        case "before":
            stretches[0]["start_s"] = -1.0
        case "sure_by_two":
            stretches[2]["confidence"] = 2
        case "no_confidence":
            del stretches[2]["confidence"]
        case "word_for_stretch":
            stretches[2] = "sad"
    return _candidate(json.dumps({"stretches": stretches}))
