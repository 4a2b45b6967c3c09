"""The Google services: Nano Banana (generateContent), Veo on Vertex, the omni model on the Interactions API."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers.pictures import PictureInfo, picture_info
from tests.fakes.http import Received, Reply, json_reply
from tests.fakes.media import FAITHFUL, SHIFTED, TINTED, TYPICAL, Drift, edited, filmed
from tests.fakes.service import COMMON, Service, with_fault

SIZES = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
SCALES = {"1K": 1, "2K": 2, "4K": 4}
DRIFTS = {"faithful": FAITHFUL, "shifted": SHIFTED, "tinted": TINTED, "typical": TYPICAL}
_GOOGLE = "type.googleapis.com/google.rpc."


def google_error(
    code: int, status: str, message: str, *details: dict[str, Any], headers: dict[str, str] | None = None
) -> Reply:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return json_reply({"error": error}, code, headers)


def quota(quota_id: str, retry: str | None, message: str = "You exceeded your current quota") -> Reply:
    details: list[dict[str, Any]] = [
        {"@type": _GOOGLE + "QuotaFailure", "violations": [{"quotaMetric": "m", "quotaId": quota_id}]}
    ]
    if retry is not None:
        details.append({"@type": _GOOGLE + "RetryInfo", "retryDelay": retry})
    return google_error(429, "RESOURCE_EXHAUSTED", message, *details)


def bad_key() -> Reply:
    return google_error(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        {"@type": _GOOGLE + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"},
    )


# What the three services answer in place of taking the request.
ERRORS = {
    "rate_minute": lambda: quota("GenerateRequestsPerMinutePerProjectPerModel", "34.4s"),
    "rate_soon": lambda: quota("GenerateRequestsPerMinutePerProjectPerModel", "0.3s"),
    "rate_no_delay": lambda: quota("GenerateRequestsPerMinutePerProjectPerModel", None),
    "rate_day": lambda: quota("GenerateRequestsPerDayPerProjectPerModel", None),
    "rate_bare": lambda: google_error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted"),
    "quota_zero": lambda: quota("GenerateRequestsPerDay", "20s", "Quota exceeded for metric: requests, limit: 0"),
    "billing": lambda: google_error(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
    "unpaid": lambda: google_error(403, "PERMISSION_DENIED", "This API method requires billing to be enabled."),
    "bad_key": bad_key,
    "unauthenticated": lambda: google_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "forbidden": lambda: google_error(403, "PERMISSION_DENIED", "Permission denied on resource project."),
    "invalid": lambda: google_error(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "not_found": lambda: google_error(404, "NOT_FOUND", "models/x is not found for API version v1."),
    "aborted": lambda: google_error(409, "ABORTED", "The operation was aborted."),
}


class FakeGemini(Service):
    """Nano Banana: edits at once."""

    name = "gemini"
    key = "fake-gemini-key-0123456789"
    models = ("gemini-3-pro-image", "gemini-3.1-flash-image")
    # The answers that look like a success and are none: what stands in place of the candidates.
    REFUSALS = (
        "prompt_blocked",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "NO_IMAGE",
        "IMAGE_OTHER",
        "IMAGE_RECITATION",
        "PROHIBITED_CONTENT",
        "SOMETHING_NEW",
        "text_only",
    )
    ODDITIES = ("empty", "no_parts", "broken_picture", "cut_picture", "list", "bad_base64", "other_json")
    GOOD = ("thought", "jpeg", "new_reason", "small", "wrong_ratio", *DRIFTS)

    def __init__(self, drift: Drift = TYPICAL) -> None:
        super().__init__()
        self.drift = drift

    def answer(self, received: Received) -> Reply | None:
        match = re.fullmatch(r"/v1(?:beta)?/models/([\w.-]+)(:generateContent)?", received.path)
        if match is None:
            return None
        if received.headers.get("x-goog-api-key") != self.key:
            return bad_key()
        if "echo" in self._faults["submit"]:
            self._faults["submit"].clear()
            said = f"The key {received.headers['x-goog-api-key']} may not be used from here."
            return google_error(403, "PERMISSION_DENIED", said)
        if received.method == "GET" and match[1] in FakeOmni.models:
            return json_reply({"name": f"models/{match[1]}"})
        if match[1] not in self.models:
            return google_error(404, "NOT_FOUND", f"models/{match[1]} is not found for API version v1.")
        if received.method == "GET":
            fault = self.next_fault("check")
            if fault in ERRORS:
                return ERRORS[fault]()
            return with_fault(fault, lambda: json_reply({"name": f"models/{match[1]}", "displayName": match[1]}))
        content = received.json()
        problem = _generate_problem(content)
        if problem:
            return google_error(400, "INVALID_ARGUMENT", problem)
        parts = content["contents"][0]["parts"]
        prompt = parts[0]["text"]
        fault = self.next_fault("submit", prompt)
        if fault in ERRORS:
            return ERRORS[fault]()
        return with_fault(fault, lambda: self._generate(match[1], content, prompt, fault))

    def _generate(self, model: str, content: dict[str, Any], prompt: str, fault: str) -> Reply:
        config = content["generationConfig"]["imageConfig"]
        if fault == "prompt_blocked":
            return json_reply(
                {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 40}}
            )
        if fault in self.REFUSALS:
            return _refusal(fault)
        usage, usd = _usage(config["imageSize"])
        self.charge(prompt, usd)
        if fault in self.ODDITIES:
            return _oddity(fault, usage)
        return json_reply(
            {
                "candidates": [
                    {
                        "content": {"role": "model", "parts": self._parts(content, fault)},
                        "finishReason": "FINISHED_NICELY" if fault == "new_reason" else "STOP",
                        "index": 0,
                    }
                ],
                "usageMetadata": usage,
                "modelVersion": model,
                "responseId": f"r-{zlib.crc32(prompt.encode()):08x}",
            }
        )

    def _parts(self, content: dict[str, Any], fault: str) -> list[dict[str, Any]]:
        parts = content["contents"][0]["parts"]
        config = content["generationConfig"]["imageConfig"]
        width, height = SIZES["1:1" if fault == "wrong_ratio" else config["aspectRatio"]]
        scale = SCALES[config["imageSize"]]
        size = (100, 60) if fault == "small" else (width * scale, height * scale)
        drift = DRIFTS.get(fault, self.drift)
        seed = zlib.crc32(parts[0]["text"].encode())
        data = edited(blob_of(parts[1]), blob_of(parts[2]), size, drift, seed)
        if fault == "jpeg":
            from tests.fakes.media import decoded, encoded

            data = encoded(decoded(data), ".jpg")
        picture = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}
        if fault != "thought":
            return [picture]
        sketch = edited(blob_of(parts[1]), blob_of(parts[2]), (128, 128), FAITHFUL, 1)
        return [
            {"text": "Considering the mask", "thought": True},
            {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(sketch).decode()}, "thought": True},
            {"text": "Here it is."},
            {**picture, "thoughtSignature": "c2ln"},
        ]


def _generate_problem(content: dict[str, Any]) -> str:
    parts = content["contents"][0]["parts"]
    config = content.get("generationConfig", {})
    image = config.get("imageConfig", {})
    if config.get("responseModalities") != ["IMAGE"]:
        return "responseModalities must be [IMAGE]"
    if image.get("aspectRatio") not in SIZES or image.get("imageSize") not in SCALES:
        return f"unknown imageConfig {image}"
    if len(parts) < 3 or "text" not in parts[0]:
        return "expected a text, a picture and a mask"
    infos = [picture_info(blob_of(part)) for part in parts[1:]]
    if not all(isinstance(info, PictureInfo) for info in infos):
        return "Unable to process input image"
    return ""


def _usage(size: str) -> tuple[dict[str, Any], Decimal]:
    drawn = {"1K": 1120, "2K": 1120, "4K": 2000}[size]
    prompt = 1180
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": drawn,
        "totalTokenCount": prompt + drawn,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": drawn}],
    }
    return usage, (Decimal(prompt) * 2 + Decimal(drawn) * 120) / 1_000_000


def _refusal(reason: str) -> Reply:
    if reason == "text_only":
        parts = [{"text": "I cannot change people in this way."}]
        return json_reply({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})
    return json_reply({"candidates": [{"finishReason": reason, "index": 0}], "usageMetadata": {"promptTokenCount": 40}})


def _oddity(fault: str, usage: dict[str, Any]) -> Reply:
    good = edited(encoded_grey(), encoded_grey(), (64, 64), FAITHFUL, 1)
    data = {
        "broken_picture": b"this is no picture",
        "cut_picture": good[: len(good) // 2],
        "bad_base64": b"",
    }.get(fault, good)
    text = "%%%" if fault == "bad_base64" else base64.b64encode(data).decode()
    match fault:
        case "empty":
            return json_reply({"usageMetadata": usage})
        case "no_parts":
            return json_reply({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]})
        case "list":
            return json_reply([1, 2])
        case "other_json":
            return json_reply({"candidates": "none today"})
    parts = [{"inlineData": {"mimeType": "image/png", "data": text}}]
    return json_reply({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "usageMetadata": usage})


def encoded_grey() -> bytes:
    import numpy as np

    from tests.fakes.media import encoded

    return encoded(np.full((64, 64, 3), 128, np.uint8))


def blob_of(part: dict[str, Any]) -> bytes:
    inline = part.get("inlineData") or part["inline_data"]
    return from_base64(inline["data"])


def from_base64(text: str) -> bytes:
    """Decode as protobuf's JSON mapping does: the SDK sends the URL-safe alphabet, others the standard one."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)


@dataclass
class Job:
    """A job of a service that takes its time."""

    remote_id: str
    name: str
    seconds: int
    video: bytes
    usd: Decimal
    polls: int = 0
    ended: str = ""


class FakeVeo(Service):
    """Veo on Vertex: long-running operations."""

    name = "veo"
    key = "fake-vertex-key-0123456789"
    token = "fake-vertex-token"
    models = ("veo-3.1-generate-001", "veo-3.1-fast-generate-001")
    ENDINGS = ("rai", "rai_words", "code_3", "code_7", "code_8", "code_13", "no_video", "no_done_word", "no_name")

    def __init__(self, polls: int = 2, height: int = 720) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}
        self._polls = polls
        self._height = height

    def answer(self, received: Received) -> Reply | None:
        match = re.fullmatch(
            r"/v1(?:beta1)?(/projects/[\w-]+/locations/[\w-]+)?/publishers/google/models/([\w.-]+)(?::(\w+))?",
            received.path,
        )
        if match is None:
            return None
        signed_in = received.headers.get("x-goog-api-key") == self.key or (
            match[1] and received.headers.get("authorization") == f"Bearer {self.token}"
        )
        if not signed_in:
            return ERRORS["unauthenticated"]()
        if match[2] not in self.models:
            return google_error(404, "NOT_FOUND", f"Publisher Model {match[2]} was not found.")
        if match[3] == "predictLongRunning":
            return self._submit(received, match[2])
        if match[3] == "fetchPredictOperation":
            return self._poll(received)
        return with_fault(
            self.next_fault("check"), lambda: json_reply({"name": f"publishers/google/models/{match[2]}"})
        )

    def _submit(self, received: Received, model: str) -> Reply:
        content = received.json()
        instance, parameters = content["instances"][0], content.get("parameters", {})
        seconds = parameters.get("durationSeconds", 8)
        if seconds not in (4, 6, 8) or ("lastFrame" in instance and seconds != 8):
            return google_error(400, "INVALID_ARGUMENT", f"Unsupported output video duration {seconds} seconds.")
        if parameters.get("aspectRatio") not in ("16:9", "9:16"):
            return google_error(400, "INVALID_ARGUMENT", "Unsupported aspect ratio.")
        prompt = instance.get("prompt", "")
        fault = self.next_fault("submit", prompt)
        if fault in ERRORS:
            return ERRORS[fault]()
        if fault == "policy":
            return google_error(
                400,
                "INVALID_ARGUMENT",
                "The prompt could not be submitted. It contains words that violate Google's Responsible AI practices.",
            )

        def take() -> Reply:
            number = len(self.jobs) + 1
            operation = f"projects/p/locations/us-central1/publishers/google/models/{model}/operations/op-{number}"
            last = from_base64(instance["lastFrame"]["bytesBase64Encoded"]) if "lastFrame" in instance else None
            first = from_base64(instance["image"]["bytesBase64Encoded"])
            usd = Decimal(seconds) * Decimal("0.40")
            with self.lock:
                video = filmed(first, last, seconds, self._height)
                self.jobs[operation] = Job(operation, prompt, seconds, video, usd)
                self.charge(prompt, usd)
            return json_reply({} if fault == "no_name" else {"name": operation})

        return with_fault(fault, take)

    def _poll(self, received: Received) -> Reply:
        job = self.jobs.get(received.json()["operationName"])
        fault = self.next_fault("poll")
        if fault in ERRORS:
            return ERRORS[fault]()
        if job is None or fault == "gone":
            return google_error(404, "NOT_FOUND", "The operation was not found.")
        if fault in self.ENDINGS:
            job.ended = fault
            with self.lock:
                self.charges = [charge for charge in self.charges if charge.name != job.name]
        return with_fault(fault, lambda: json_reply(self._state(job)))

    def _state(self, job: Job) -> dict[str, Any]:
        job.polls += 1
        done = {"name": job.remote_id, "done": True}
        match job.ended:
            case "rai":
                return {
                    **done,
                    "response": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["58061214"], "videos": []},
                }
            case "rai_words" | "code_3":
                error = {"code": 3, "message": "The image violates Google's Responsible AI practices."}
                return {**done, "error": error}
            case "code_7" | "code_8" | "code_13":
                return {**done, "error": {"code": int(job.ended[5:]), "message": "Video generation failed."}}
            case "no_video":
                return {**done, "response": {}}
            case "no_done_word":
                return {}
        if job.polls < self._polls:
            return {"name": job.remote_id}
        video = {"bytesBase64Encoded": base64.b64encode(job.video).decode(), "mimeType": "video/mp4"}
        kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
        return {**done, "response": {"@type": kind, "raiMediaFilteredCount": 0, "videos": [video]}}


class FakeOmni(Service):
    """The omni model on the Interactions API."""

    name = "omni"
    key = FakeGemini.key
    models = ("gemini-omni-1.1-flash", "gemini-omni-1.2-flash")
    ENDINGS = ("refusal", "failed", "failed_policy", "cancelled", "incomplete", "budget_exceeded", "no_status")

    def __init__(self, polls: int = 2, height: int = 720) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}
        self.deleted: list[str] = []
        self.url = ""
        self._polls = polls
        self._height = height

    def answer(self, received: Received) -> Reply | None:
        if received.path.startswith(("/v1/interactions", "/v1/files/")):
            if received.headers.get("x-goog-api-key") != self.key:
                return bad_key()
            if received.path == "/v1/interactions" and received.method == "POST":
                return self._submit(received)
            match = re.fullmatch(r"/v1/interactions/([\w-]+)(/cancel)?", received.path)
            if match:
                return self._act(received.method, match[1], bool(match[2]))
            match = re.fullmatch(r"/v1/files/([\w-]+):download", received.path)
            if match:
                return self._download(match[1])
        return None

    def _submit(self, received: Received) -> Reply:
        content = received.json()
        steps = content["input"]
        items = steps[0]["content"] if steps and steps[0].get("type") == "user_input" else steps
        text = next(item["text"] for item in items if item["type"] == "text")
        pictures = [from_base64(item["data"]) for item in items if item["type"] == "image"]
        wish = content.get("response_format", {})
        seconds = int(wish.get("duration", "0s").removesuffix("s"))
        if content.get("model") not in self.models:
            return google_error(404, "NOT_FOUND", f"Model {content.get('model')} not found.")
        if not (content.get("background") and content.get("store") and wish.get("type") == "video"):
            return google_error(400, "INVALID_ARGUMENT", "Video needs background and store.")
        if not 3 <= seconds <= 10 or wish.get("aspect_ratio") not in ("16:9", "9:16") or not pictures:
            return google_error(400, "INVALID_ARGUMENT", f"Unsupported response_format {wish}.")
        fault = self.next_fault("submit", text)
        if fault in ERRORS:
            return ERRORS[fault]()

        def take() -> Reply:
            with self.lock:
                remote_id = f"int-{len(self.jobs) + 1}"
                last = pictures[1] if len(pictures) > 1 else None
                usd = Decimal(seconds) * Decimal("0.10")
                video = filmed(pictures[0], last, seconds, self._height)
                self.jobs[remote_id] = Job(remote_id, text, seconds, video, usd)
                self.charge(text, usd)
            state = {"id": remote_id, "status": "queued", "model": content["model"]}
            return json_reply({"status": "queued"} if fault == "no_id" else state)

        return with_fault(fault, take)

    def _act(self, method: str, remote_id: str, cancel: bool) -> Reply:
        job = self.jobs.get(remote_id)
        fault = self.next_fault("cancel" if cancel else "delete" if method == "DELETE" else "poll")
        if fault in ERRORS:
            return ERRORS[fault]()
        if job is None or fault == "gone":
            return google_error(404, "NOT_FOUND", "Interaction not found.")
        if cancel:
            job.ended = "cancelled"
            return with_fault(fault, lambda: json_reply({"id": remote_id, "status": "cancelled"}))
        if method == "DELETE":
            self.deleted.append(remote_id)
            return with_fault(fault, lambda: json_reply({}))
        if fault in self.ENDINGS:
            job.ended = fault
            with self.lock:
                self.charges = [charge for charge in self.charges if charge.name != job.name]
        return with_fault(fault, lambda: json_reply(self._state(job, fault)))

    def _state(self, job: Job, fault: str) -> dict[str, Any]:
        job.polls += 1
        state: dict[str, Any] = {"id": job.remote_id, "model": "gemini-omni-1.1-flash"}
        match job.ended:
            case "refusal":
                return {
                    **state,
                    "status": "completed",
                    "steps": [_output({"type": "text", "text": "I can't do that."})],
                }
            case "failed":
                return {**state, "status": "failed", "errors": [{"code": "internal", "message": "Generation failed."}]}
            case "failed_policy":
                error = {"code": "safety", "message": "Blocked by safety filters."}
                return {**state, "status": "failed", "errors": [error]}
            case "no_status":
                return state
            case "":
                pass
            case ended:
                return {**state, "status": ended}
        if fault == "new_status":
            return {**state, "status": "warming_up"}
        if job.polls < self._polls:
            return {**state, "status": "in_progress"}
        video: dict[str, Any] = {"type": "video", "mime_type": "video/mp4"}
        if fault == "inline":
            video["data"] = base64.b64encode(job.video).decode()
        elif fault != "no_video":
            video["uri"] = f"{self.url}/v1/files/{job.remote_id}:download?alt=media"
        thought = {"type": "thought", "summary": [{"type": "text", "text": "Planning the shot"}]}
        usage = {"total_input_tokens": 600, "total_output_tokens": 28_000, "total_tokens": 28_600}
        return {**state, "status": "completed", "steps": [thought, _output(video)], "usage": usage}

    def _download(self, remote_id: str) -> Reply:
        fault = self.next_fault("download")
        if fault in ERRORS:
            return ERRORS[fault]()
        job = self.jobs.get(remote_id)
        if job is None or remote_id in self.deleted:
            return google_error(404, "NOT_FOUND", "File not found.")
        return with_fault(fault, lambda: Reply(200, job.video, "video/mp4"))


def _output(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "model_output", "content": [item]}


GOOGLE_FAULTS = sorted({*ERRORS, *COMMON})
