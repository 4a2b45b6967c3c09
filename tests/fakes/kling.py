"""Kling: the current API and the legacy one, over the same tasks and the same account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers.pictures import PictureInfo, picture_info
from tests.fakes.http import Received, Reply, json_reply, now_ms
from tests.fakes.media import filmed
from tests.fakes.service import Service, with_fault

# Fault: HTTP status, code, message.
ERRORS = {
    "auth_1000": (401, 1000, "Authentication failed"),
    "auth_1001": (401, 1001, "Authorization is empty"),
    "auth_1002": (401, 1002, "Authorization is invalid"),
    "auth_1003": (401, 1003, "Authorization is not yet valid"),
    "auth_1004": (401, 1004, "Authorization has expired"),
    "account": (429, 1100, "Account exception"),
    "arrears": (429, 1101, "Account in arrears"),
    "depleted": (429, 1102, "Resource pack depleted"),
    "unauthorised": (403, 1103, "Unauthorized access to requested resource"),
    "invalid": (400, 1200, "Invalid request parameters"),
    "invalid_value": (400, 1201, "Invalid parameter: duration"),
    "no_method": (404, 1202, "The requested method is invalid"),
    "no_model": (404, 1203, "The requested resource does not exist"),
    "policy": (400, 1300, "Trigger strategy of the platform"),
    "content": (400, 1301, "Trigger the content security policy of the platform"),
    "rate": (429, 1302, "The API request is too fast"),
    "concurrency": (429, 1303, "parallel task over resource pack limit"),
    "ip": (429, 1304, "Trigger the IP whitelisting policy"),
    "server_5000": (500, 5000, "Server internal error"),
    "server_5001": (503, 5001, "Server temporarily unavailable"),
    "server_5002": (504, 5002, "Server internal timeout"),
    "rate_in_200": (200, 1302, "The API request is too fast"),
    "new_code": (418, 1999, "Something that nobody knew of"),
}
PRICES = {"720p": Decimal("0.084"), "1080p": Decimal("0.112"), "4K": Decimal("0.42")}


@dataclass
class KlingTask:
    """A task."""

    remote_id: str
    external_id: str
    seconds: int
    usd: Decimal
    video: bytes
    polls: int = 0
    ended: str = ""


class FakeKling(Service):
    """The current API with a bearer key; `legacy` is the other door to the same tasks."""

    name = "kling"
    key = "fake-kling-key-0123456789"
    access_key = "fake-access-key"
    secret_key = "fake-secret-key-0123456789"
    ENDINGS = ("failed", "failed_policy", "failed_billed")

    def __init__(self, polls: int = 2, height: int = 720) -> None:
        super().__init__()
        self.tasks: list[KlingTask] = []
        self.url = ""
        self._polls = polls
        self._height = height

    def answer(self, received: Received) -> Reply | None:
        if received.path.startswith("/kling-cdn/"):
            return self._download(received)
        current = received.path.startswith(("/image-to-video/", "/tasks"))
        legacy = received.path.startswith("/v1/videos/image2video")
        if not current and not legacy:
            return None
        token = received.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return _error("auth_1001")
        if (current and token != self.key) or (legacy and not self._jwt_is_valid(token)):
            return _error("auth_1002")
        if received.method == "POST":
            return self._submit(received, legacy)
        return self._query(received, legacy)

    def _submit(self, received: Received, legacy: bool) -> Reply:
        content = received.json()
        wish = _legacy_wish(content) if legacy else _current_wish(received.path, content)
        if isinstance(wish, str):
            return _error("invalid_value", wish)
        prompt, first, last, seconds, resolution, external_id = wish
        fault = self.next_fault("submit", prompt)
        if fault in ERRORS:
            return _error(fault)
        if external_id and any(task.external_id == external_id for task in self.tasks):
            return _error("invalid_value", "external_task_id already exists")

        def take() -> Reply:
            with self.lock:
                usd = PRICES[resolution] * seconds
                video = filmed(first, last, seconds, self._height)
                task = KlingTask(f"task-{len(self.tasks) + 1}", external_id, seconds, usd, video)
                self.tasks.append(task)
                self.charge(external_id, usd)
                if fault == "duplicate":
                    twin = KlingTask(f"task-{len(self.tasks) + 1}", external_id, seconds, Decimal(0), video)
                    twin.ended = "failed"
                    self.tasks.insert(0, twin)
            if fault == "no_id":
                return _success({"status": "submitted"})
            return _success(self._legacy_state(task) if legacy else self._current_state(task))

        return with_fault(fault, take)

    def _query(self, received: Received, legacy: bool) -> Reply:
        by_id = received.query.get("task_ids", "")
        by_external_id = received.query.get("external_task_ids", "")
        if legacy:
            by_id = by_external_id = received.path.rsplit("/", 1)[1]
        found = [task for task in self.tasks if by_id in (task.remote_id,) or by_external_id in (task.external_id,)]
        operation = "poll" if any(task.remote_id == by_id for task in found) else "find"
        fault = self.next_fault(operation)
        if fault in ERRORS:
            return _error(fault)
        if fault == "gone":
            found = []
        for task in found:
            if operation == "poll":
                task.polls += 1
            if fault in self.ENDINGS:
                self._end(task, fault)
        if legacy:
            if not found:
                return _error("no_model", "Task not found")
            return with_fault(fault, lambda: _success(self._legacy_state(found[-1])))
        states = [self._current_state(task, fault) for task in found]
        return with_fault(fault, lambda: _success(states))

    def _end(self, task: KlingTask, fault: str) -> None:
        task.ended = fault
        if fault != "failed_billed":
            with self.lock:
                self.charges = [charge for charge in self.charges if charge.name != task.external_id]

    def _current_state(self, task: KlingTask, fault: str = "ok") -> dict[str, Any]:
        state: dict[str, Any] = {
            "id": task.remote_id,
            "external_task_id": task.external_id,
            "status": self._status(task).replace("succeed", "succeeded"),
            "create_time": now_ms(),
        }
        if task.ended:
            state["message"] = _message(task)
        if task.ended == "failed_billed":
            state["billing"] = [{"type": "balance", "amount": str(task.usd), "currency": "USD"}]
        if state["status"] == "succeeded":
            if fault != "no_outputs":
                state["outputs"] = [{"type": "video", "url": self._video_url(task), "duration": str(task.seconds)}]
            if fault == "billing_units":
                state["billing"] = [{"type": "resource_pack", "amount": "4", "unit": "credits"}]
            elif fault != "no_billing":
                state["billing"] = [{"type": "balance", "amount": str(task.usd), "currency": "USD"}]
        if fault == "new_status":
            state["status"] = "warming_up"
        if fault == "no_status":
            del state["status"]
        return state

    def _legacy_state(self, task: KlingTask) -> dict[str, Any]:
        state: dict[str, Any] = {
            "task_id": task.remote_id,
            "task_status": self._status(task),
            "task_info": {"external_task_id": task.external_id},
            "created_at": now_ms(),
            "updated_at": now_ms(),
        }
        if task.ended:
            state["task_status_msg"] = _message(task)
        if state["task_status"] == "succeed":
            video = {"id": "v", "url": self._video_url(task), "duration": f"{task.seconds}.0"}
            state["task_result"] = {"videos": [video]}
            state["final_unit_deduction"] = "4"
        return state

    def _status(self, task: KlingTask) -> str:
        if task.ended:
            return "failed"
        if task.polls >= self._polls:
            return "succeed"
        return "processing" if task.polls else "submitted"

    def _video_url(self, task: KlingTask) -> str:
        return f"{self.url}/kling-cdn/{task.remote_id}.mp4"

    def _download(self, received: Received) -> Reply:
        fault = self.next_fault("download")
        match = re.fullmatch(r"/kling-cdn/([\w-]+)\.mp4", received.path)
        video = next((task.video for task in self.tasks if match and task.remote_id == match[1]), None)
        if video is None or fault == "gone":
            return Reply(404, b"not found", "text/plain")
        if fault == "moved":
            return Reply(302, b"", headers={"location": received.path})
        return with_fault(fault, lambda: Reply(200, video, "video/mp4"))

    def _jwt_is_valid(self, token: str) -> bool:
        try:
            head, claims, signature = token.split(".")
            key = self.secret_key.encode()
            expected = hmac.new(key, f"{head}.{claims}".encode(), hashlib.sha256).digest()
            content = json.loads(_from_base64url(claims))
            return (
                hmac.compare_digest(expected, _from_base64url(signature))
                and json.loads(_from_base64url(head)) == {"alg": "HS256", "typ": "JWT"}
                and content["iss"] == self.access_key
                and content["nbf"] <= time.time() <= content["exp"] <= time.time() + 1800
            )
        except (ValueError, KeyError):
            return False


def _current_wish(path: str, content: dict[str, Any]) -> tuple[str, bytes, bytes | None, int, str, str] | str:
    if path != "/image-to-video/kling-3.0":
        return "model"
    items = {item["type"]: item for item in content["contents"]}
    settings = content.get("settings", {})
    if settings.get("multi_shot") is not False or settings.get("audio") != "off":
        return "multi_shot and audio are on by default, and cost more"
    seconds = settings.get("duration")
    if not isinstance(seconds, int) or not 3 <= seconds <= 15 or settings.get("resolution") not in PRICES:
        return f"settings {settings}"
    pictures = [_picture(items[kind]["url"]) for kind in ("first_frame", "last_frame") if kind in items]
    if "first_frame" not in items or any(isinstance(picture, str) for picture in pictures):
        return f"first_frame or last_frame: {[picture for picture in pictures if isinstance(picture, str)]}"
    prompt = items.get("prompt", {}).get("text", "")
    external_id = content.get("options", {}).get("external_task_id", "")
    last = pictures[1] if len(pictures) > 1 else None
    return prompt, pictures[0], last, seconds, settings["resolution"], external_id  # type: ignore[return-value]


def _legacy_wish(content: dict[str, Any]) -> tuple[str, bytes, bytes | None, int, str, str] | str:
    if content.get("duration") not in ("5", "10") or content.get("mode") not in ("std", "pro"):
        return "duration or mode"
    pictures = [_picture(content[name]) for name in ("image", "image_tail") if name in content]
    if "image" not in content or any(isinstance(picture, str) for picture in pictures):
        return "image"
    resolution = {"std": "720p", "pro": "1080p"}[content["mode"]]
    last = pictures[1] if len(pictures) > 1 else None
    seconds = int(content["duration"])
    return content.get("prompt", ""), pictures[0], last, seconds, resolution, content.get("external_task_id", "")  # type: ignore[return-value]


def _picture(text: str) -> bytes | str:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return "not base64 (a data: prefix is not allowed)"
    info = picture_info(data)
    if not isinstance(info, PictureInfo) or min(info.width_px, info.height_px) < 300:
        return "smaller than 300 px"
    if not 0.4 <= info.width_px / info.height_px <= 2.5:
        return "ratio"
    return data


def _message(task: KlingTask) -> str:
    if task.ended == "failed_policy":
        return "Failure to pass the risk control system"
    return "The generation failed"


def _success(data: object) -> Reply:
    return json_reply({"code": 0, "message": "SUCCEED", "request_id": "req-1", "data": data})


def _error(fault: str, message: str | None = None) -> Reply:
    status, code, text = ERRORS[fault]
    return json_reply({"code": code, "message": message or text, "request_id": "req-1"}, status)


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
