"""The server under the fakes: loopback only, one thread per connection, able to fail in every way a network can."""

from __future__ import annotations

import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Transfer(Enum):
    """How a reply gets across."""

    WHOLE = "whole"
    CUT_OFF = "cut off"
    HANG_UP = "hang up"


@dataclass(frozen=True)
class Reply:
    """What goes back, and how."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    transfer: Transfer = Transfer.WHOLE
    delay_s: float = 0.0


@dataclass(frozen=True)
class Received:
    """What came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def json_reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(content).encode(), headers=headers or {})


def html_reply(status: int = 200) -> Reply:
    return Reply(status, b"<!DOCTYPE html><html><body>Please sign in to the network</body></html>", "text/html")


class Server:
    """A server whose answers come from one function."""

    def __init__(self, answer: Callable[[Received], Reply], port: int = 0) -> None:
        outer = self
        self.received: list[Received] = []
        self.mistakes: list[str] = []
        self._answer = answer
        self._stopping = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                outer.serve(self)

            do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = _serve

            def log_message(self, *_args: object) -> None:
                return None

        class QuietServer(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_args: object) -> None:
                return None  # a client that was killed or gave up

        self._http = QuietServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> Server:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(size)
        if len(body) < size:
            handler.close_connection = True
            return  # the client is gone in the middle of its request: a service never sees it
        parts = urlsplit(handler.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in handler.headers.items()}
        received = Received(handler.command, parts.path, query, headers, body)
        self.received.append(received)
        try:
            reply = self._answer(received)
        except Exception:
            self.mistakes.append(traceback.format_exc())
            reply = Reply(599, b"the fake itself failed", "text/plain")
        if reply.delay_s:
            self._stopping.wait(reply.delay_s)
        if reply.transfer is Transfer.HANG_UP:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(reply.status)
        handler.send_header("content-type", reply.content_type)
        handler.send_header("content-length", str(len(reply.body)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if reply.transfer is Transfer.CUT_OFF:
            handler.wfile.write(reply.body[: len(reply.body) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.wfile.write(reply.body)


def now_ms() -> int:
    return int(time.time() * 1000)
