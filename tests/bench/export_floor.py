"""The floor under a differential export: copy the file, decode and encode the frames that need it, nothing else.

    python -m tests.bench.export_floor FILM TARGET FIRST STOP

No plan, no index, no seam, no check: what any differential export has to do at the least.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

import av


def main(film: str, target: str, first: int, stop: int) -> None:
    with open(film, "rb") as source, open(target, "wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    with av.open("null", "w", format="null") as sink:
        encoder = sink.add_stream("libx264", rate=30, options={"preset": "medium", "crf": "16"})
        for frame in frames(film, first, stop):
            if not encoder.codec_context.is_open:
                encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, frame.format.name
            frame.pict_type = 0
            sink.mux(encoder.encode(frame))
        sink.mux(encoder.encode(None))


def frames(film: str, first: int, stop: int) -> Iterator[av.VideoFrame]:
    with av.open(film) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        ticks = round(1 / (stream.average_rate * stream.time_base))
        container.seek(first * ticks + stream.start_time, stream=stream)
        for frame in container.decode(stream):
            number = (frame.pts - stream.start_time) // ticks
            if number >= stop:
                return
            if number >= first:
                yield frame


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
