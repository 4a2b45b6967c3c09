"""Play and seek a film in headless Chromium and read its pictures back: a second family of decoders.

    python -m tests.corpus.browser SOURCE OUT [--times 1.0,2.5,...]

Both films are sought to the same times in the same shuffled order; pictures are compared pixel by pixel. What Chromium
does to the source is the baseline: a time at which the source itself fails says nothing about OUT.
"""

from __future__ import annotations

import argparse
import base64
import http.server
import json
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PAGE = """<!doctype html><meta charset=utf-8><video id=v muted playsinline preload=auto></video><canvas id=c></canvas>
<script>
const times = %TIMES%, v = document.getElementById('v'), c = document.getElementById('c');
const send = (what) => fetch('/result', {method: 'POST', body: JSON.stringify(what)});
const once = (name) => new Promise((ok, no) => {
  const timer = setTimeout(() => no(new Error(name + ' did not come')), 15000);
  v.addEventListener(name, () => { clearTimeout(timer); ok(); }, {once: true});
});
function picture() {
  const scale = Math.min(1, 480 / v.videoWidth);
  c.width = Math.max(2, Math.round(v.videoWidth * scale)); c.height = Math.max(2, Math.round(v.videoHeight * scale));
  const g = c.getContext('2d', {willReadFrequently: true});
  g.drawImage(v, 0, 0, c.width, c.height);
  const data = g.getImageData(0, 0, c.width, c.height).data;
  let text = '';
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return {width: c.width, height: c.height, data: btoa(text)};
}
(async () => {
  try {
    const ready = once('loadeddata');
    v.src = '/film'; v.load(); await ready;
    await send({kind: 'open', duration: v.duration, width: v.videoWidth, height: v.videoHeight});
    for (const t of times) {
      const seeked = once('seeked');
      // The new picture may be presented a little after the event; the callback says when, and which one it is.
      const presented = new Promise((ok) => {
        const timer = setTimeout(() => ok(-1), 1500);
        v.requestVideoFrameCallback((_, m) => { clearTimeout(timer); ok(m.mediaTime); });
      });
      v.currentTime = t; await seeked;
      const at = await presented;
      await send({kind: 'picture', time: t, at, ...picture()});
    }
    v.currentTime = %PLAY%; await once('seeked');
    let shown = 0, end = %PLAY% + %SECONDS%;
    v.requestVideoFrameCallback(function count() { shown++; v.requestVideoFrameCallback(count); });
    await v.play();
    await new Promise((ok) => {
      const started = performance.now();
      const over = () => v.currentTime >= end || v.ended || performance.now() - started > 20000;
      const look = () => over() ? ok() : setTimeout(look, 50);
      look();
    });
    await send({kind: 'played', until: v.currentTime, wanted: Math.min(end, v.duration), shown});
    await send({kind: 'done'});
  } catch (error) {
    await send({kind: 'failed', why: String(error), media: v.error ? v.error.message || String(v.error.code) : ''});
  }
})();
</script>"""


@dataclass(frozen=True, slots=True)
class Showing:
    """What Chromium showed of a film: pictures by time (uint8 [h, w, 4]), and how far it played past the seam."""

    pictures: dict[float, np.ndarray]
    played_until_s: float
    wanted_until_s: float
    failure: str


def show(film: Path, times: list[float], play_from_s: float, play_s: float = 2.0, timeout_s: float = 120) -> Showing:
    """Open a film in headless Chromium, seek to the times in their order, then play from a point."""
    results: queue.Queue[dict] = queue.Queue()
    page = (
        PAGE.replace("%TIMES%", json.dumps(times)).replace("%PLAY%", str(play_from_s)).replace("%SECONDS%", str(play_s))
    )
    server = _Server(("127.0.0.1", 0), _handler(film, page, results))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.mkdtemp()
    browser = subprocess.Popen(
        [
            chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={profile}",
            f"http://127.0.0.1:{server.server_address[1]}/",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    pictures: dict[float, np.ndarray] = {}
    until = wanted = 0.0
    failure = ""
    try:
        while True:
            item = results.get(timeout=timeout_s)
            match item["kind"]:
                case "picture":
                    data = np.frombuffer(base64.b64decode(item["data"]), np.uint8)
                    pictures[item["time"]] = data.reshape(item["height"], item["width"], 4)
                case "played":
                    until, wanted = item["until"], item["wanted"]
                case "failed":
                    failure = f"{item['why']} {item['media']}".strip()
                    break
                case "done":
                    break
    except queue.Empty:
        failure = f"no answer in {timeout_s:g} s"
    finally:
        browser.kill()
        browser.wait()
        server.shutdown()
        server.server_close()
        shutil.rmtree(profile, ignore_errors=True)
    return Showing(pictures, until, wanted, failure)


def chromium() -> str:
    """Return the browser's command.

    Raises:
        FileNotFoundError: there is none on this machine.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("no Chromium on this machine (Debian: apt-get install chromium)")


def compare(source: Path, output: Path, times: list[float], play_from_s: float) -> dict[str, object]:
    """Return how Chromium's pictures of OUT differ from those of the source, time by time."""
    shuffled = times[:]
    random.Random(5).shuffle(shuffled)
    before, after = show(source, shuffled, play_from_s), show(output, shuffled, play_from_s)
    differences = {}
    for time in times:
        if time in before.pictures and time in after.pictures:
            one, two = before.pictures[time].astype(np.int16), after.pictures[time].astype(np.int16)
            same_size = one.shape == two.shape
            differences[time] = float(np.abs(one - two).max()) if same_size else 255.0
    return {
        "source_failure": before.failure,
        "output_failure": after.failure,
        "source_played_s": before.played_until_s - play_from_s,
        "output_played_s": after.played_until_s - play_from_s,
        "wanted_s": after.wanted_until_s - play_from_s,
        "largest_difference": differences,
        "mean_difference": {
            time: float(np.abs(before.pictures[time].astype(np.int16) - after.pictures[time]).mean())
            for time in differences
            if before.pictures[time].shape == after.pictures[time].shape
        },
    }


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        # The browser is killed with its connections open; nothing of that concerns the comparison.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(film: Path, page: str, results: queue.Queue[dict]) -> type[http.server.BaseHTTPRequestHandler]:
    size = film.stat().st_size
    kind = "video/webm" if film.suffix in (".webm", ".mkv") else "video/mp4"

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != "/film":
                body = page.encode() if self.path == "/" else b""
                self._head(200 if body else 404, "text/html", len(body))
                self.wfile.write(body)
                return
            start, stop = 0, size
            asked = self.headers.get("Range")
            if asked:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start, stop = int(first), int(last) + 1 if last else size
            self.send_response(206 if asked else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(stop - start))
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.end_headers()
            with film.open("rb") as file:
                file.seek(start)
                left = stop - start
                try:
                    while left > 0 and (block := file.read(min(left, 1 << 18))):
                        self.wfile.write(block)
                        left -= len(block)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            results.put(json.loads(body))
            self._head(204, "text/plain", 0)

        def _head(self, status: int, content: str, length: int) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m tests.corpus.browser")
    arguments.add_argument("source", type=Path)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--times", default="0.5,1.0,1.5,2.0")
    given = arguments.parse_args()
    moments = [float(part) for part in given.times.split(",")]
    json.dump(compare(given.source, given.output, moments, min(moments)), sys.stdout, indent=1)
