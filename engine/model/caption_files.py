"""Caption files, read and written: SubRip (.srt) and WebVTT (W3C Candidate Recommendation, section 4, "Syntax").

Reading is forgiving and says what it passed over; writing gives one canonical form, which reads back as the same cues.
In a cue's text `<i>`, `<b>`, `<u>` and the like are tags, all else is itself: WebVTT's escapes are undone and redone.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from enum import Enum

from engine.errors import CaptionError

SIZE_LIMIT = 64 << 20
TIME_LIMIT_MS = 10_000 * 3_600_000


class CaptionFormat(Enum):
    """The two formats, by file extension."""

    SRT = "srt"
    VTT = "vtt"


@dataclass(frozen=True, slots=True)
class Cue:
    """A caption in a file.

    Attributes:
        start_ms, stop_ms: milliseconds. text: lines separated by a line feed, none of them blank.
        name: WebVTT's cue identifier. settings: what follows the time on its line.
    """

    start_ms: int
    stop_ms: int
    text: str
    name: str = ""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Another part of a WebVTT file (a NOTE, STYLE or REGION), as it stands there."""

    text: str


@dataclass(frozen=True, slots=True)
class CaptionFile:
    """A caption file.

    Attributes:
        title: what follows WEBVTT on the first line (and in the lines under it).
        parts: cues and other blocks, in the file's order.
        warnings: what was passed over in reading, with its line.
    """

    format: CaptionFormat
    parts: tuple[Cue | Block, ...]
    title: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def cues(self) -> tuple[Cue, ...]:
        """Return the cues."""
        return tuple(part for part in self.parts if isinstance(part, Cue))


def read_captions(data: bytes, name: str, encoding: str | None = None) -> CaptionFile:
    """Return the captions of a file's bytes.

    Args:
        data: the file.
        name: what to call it in messages.
        encoding: a Python codec's name; None to find out (UTF-8, UTF-16 and UTF-32 by their marks, else Windows-1252).

    Raises:
        CaptionError: it holds no captions, or its text cannot be decoded.
    """
    text = _decoded(data, name, encoding)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = _read_vtt(lines) if lines[0] == "WEBVTT" or lines[0][:7] in ("WEBVTT ", "WEBVTT\t") else _read_srt(lines)
    if not found.cues:
        what = f" ({found.warnings[0]})" if found.warnings else ""
        raise CaptionError(f"{name} holds no captions: no line with times such as 00:00:01,000 --> 00:00:02,500{what}")
    return found


def _decoded(data: bytes, name: str, encoding: str | None) -> str:
    if len(data) > SIZE_LIMIT:
        raise CaptionError(f"{name} has {len(data)} bytes; that is no caption file (the limit is {SIZE_LIMIT})")
    candidates = [encoding] if encoding is not None else [_marked_encoding(data)]
    if candidates == ["utf-8-sig"]:
        # Older editors on Windows wrote the system's code page; western Europe's is the most frequent by far.
        candidates.append("cp1252")
    for candidate in candidates:
        try:
            text = data.decode(candidate)
        except (UnicodeError, LookupError):
            continue
        if "\0" in text:
            raise CaptionError(f"{name} is no text file")
        return text.removeprefix("\ufeff")
    tried = " or ".join(str(candidate).removesuffix("-sig").upper() for candidate in candidates)
    raise CaptionError(f"{name} cannot be read as {tried} text; name its encoding, or save it as UTF-8")


def _marked_encoding(data: bytes) -> str:
    """Return the encoding that the file's first bytes tell."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a mark: a caption file begins with a digit or "WEBVTT", so in UTF-16 every other byte is 0.
    if len(data) >= 4 and data[0] and not data[1] and data[2] and not data[3]:
        return "utf-16-le"
    if len(data) >= 4 and not data[0] and data[1] and not data[2] and data[3]:
        return "utf-16-be"
    return "utf-8-sig"


_TIME = r"(?:(\d{1,5}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}(?:[ \t]+(.*?))?[ \t]*", re.ASCII)


def is_time_line(line: str) -> bool:
    """Tell whether a line would be read as a cue's times, and so cannot be part of its text."""
    return _TIMES.fullmatch(line) is not None


def _times(line: str) -> tuple[int, int, str] | None:
    """Return start and stop in milliseconds, and the settings, of a cue's time line."""
    match = _TIMES.fullmatch(line)
    if match is None:
        return None
    return _milliseconds(*match.groups()[:4]), _milliseconds(*match.groups()[4:8]), match[9] or ""


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int((fraction or "0").ljust(3, "0"))


def _sound_times(start_ms: int, stop_ms: int) -> str | None:
    """Return what is wrong with a cue's times, None if nothing."""
    if stop_ms <= start_ms:
        return "ends before it begins" if stop_ms < start_ms else "has no duration"
    return "lies beyond any film" if stop_ms > TIME_LIMIT_MS else None


# --- SubRip ----------------------------------------------------------------------------------------------------------


def _read_srt(lines: list[str]) -> CaptionFile:
    heads = [i for i, line in enumerate(lines) if "-->" in line and _times(line) is not None]
    cues: list[Cue] = []
    warnings = [
        f"line {i + 1} is no valid time: {line.strip()[:60]!r}"
        for i, line in enumerate(lines)
        if re.match(r"[ \t]*[-+\d:.,]+[ \t]*-->", line) and _times(line) is None
    ]
    for number, head in enumerate(heads):
        end = _number_line(lines, heads[number + 1], number + 2) if number + 1 < len(heads) else len(lines)
        text = "\n".join(line for line in lines[head + 1 : end] if line.strip())
        found = _times(lines[head])
        assert found is not None
        start_ms, stop_ms, settings = found
        trouble = _sound_times(start_ms, stop_ms) or (None if text else "has no text")
        if trouble:
            warnings.append(f"the cue in line {head + 1} {trouble}")
        else:
            cues.append(Cue(start_ms, stop_ms, text, settings=settings))
    return CaptionFile(CaptionFormat.SRT, tuple(cues), warnings=tuple(warnings))


def _number_line(lines: list[str], head: int, expected: int) -> int:
    """Return where a cue begins whose times are in line `head`: at its number, if there is one above."""
    if head == 0 or not re.fullmatch(r"[ \t]*\d+[ \t]*", lines[head - 1], re.ASCII):
        return head
    after_blank = head == 1 or not lines[head - 2].strip()
    return head - 1 if after_blank or lines[head - 1].strip() == str(expected) else head


def _write_srt(file: CaptionFile) -> str:
    blocks = []
    for number, cue in enumerate(file.cues, 1):
        times = f"{_stamp(cue.start_ms, ',')} --> {_stamp(cue.stop_ms, ',')}"
        blocks.append(f"{number}\n{times}{' ' + cue.settings if cue.settings else ''}\n{cue.text}\n")
    return "\n".join(blocks)


def _stamp(ms: int, point: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"


# --- WebVTT ----------------------------------------------------------------------------------------------------------


def _read_vtt(lines: list[str]) -> CaptionFile:
    blocks = _blocks(lines)
    title = "\n".join([lines[0][7:], *blocks[0][1][1:]])
    parts: list[Cue | Block] = []
    warnings: list[str] = []
    for first, block in blocks[1:]:
        head = next((i for i, line in enumerate(block[:2]) if "-->" in line), None)
        if head is None:
            if re.match(r"(NOTE|STYLE|REGION)([ \t]|$)", block[0]):
                parts.append(Block("\n".join(block)))
            else:
                warnings.append(f"line {first + 1} belongs to no cue: {block[0].strip()[:60]!r}")
            continue
        part = _vtt_cue(block, head)
        if isinstance(part, Cue):
            parts.append(part)
        else:
            warnings.append(f"the cue in line {first + head + 1} {part}")
    return CaptionFile(CaptionFormat.VTT, tuple(parts), title, tuple(warnings))


def _blocks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Return the runs of lines between blank ones, each with the number of its first line."""
    blocks: list[tuple[int, list[str]]] = []
    fresh = True
    for number, line in enumerate(lines):
        if not line.strip():
            fresh = True
        elif fresh:
            blocks.append((number, [line]))
            fresh = False
        else:
            blocks[-1][1].append(line)
    return blocks


def _vtt_cue(block: list[str], head: int) -> Cue | str:
    """Return the cue of a block, or what is wrong with it."""
    found = _times(block[head])
    if found is None:
        return f"has no valid time: {block[head].strip()[:60]!r}"
    start_ms, stop_ms, settings = found
    text = _plain("\n".join(block[head + 1 :]))
    trouble = _sound_times(start_ms, stop_ms) or (None if text.strip() else "has no text")
    if trouble:
        return trouble
    return Cue(start_ms, stop_ms, text, block[0] if head == 1 else "", settings)


_ESCAPES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": "\u00a0", "&lrm;": "\u200e", "&rlm;": "\u200f"}
_TAG = re.compile(r"</?(?:[ibucv]|lang|ruby|rt)(?:[. \t][^<>\n]*)?>|<\d+:\d\d(?::\d\d)?\.\d{3}>", re.ASCII)


def _plain(payload: str) -> str:
    return re.sub("|".join(_ESCAPES), lambda match: _ESCAPES[match[0]], payload)


def _escaped(text: str) -> str:
    """Return a cue's text as WebVTT has it: tags as they are, everything else escaped."""
    parts, at = [], 0
    for tag in _TAG.finditer(text):
        parts += [_escaped_plain(text[at : tag.start()]), tag[0].replace("&", "&amp;")]
        at = tag.end()
    # An arrow may also come about where a tag begins or ends.
    return "".join([*parts, _escaped_plain(text[at:])]).replace("-->", "--&gt;")


def _escaped_plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _write_vtt(file: CaptionFile) -> str:
    space = "" if not file.title or file.title.startswith("\n") else " "
    blocks = [f"WEBVTT{space}{file.title}\n"]
    for part in file.parts:
        if isinstance(part, Block):
            blocks.append(f"{part.text}\n")
            continue
        times = f"{_stamp(part.start_ms, '.')} --> {_stamp(part.stop_ms, '.')}"
        name = f"{part.name}\n" if part.name else ""
        blocks.append(f"{name}{times}{' ' + part.settings if part.settings else ''}\n{_escaped(part.text)}\n")
    return "\n".join(blocks)


def write_captions(file: CaptionFile) -> str:
    """Return a caption file's text in its canonical form (line feeds, no byte order mark; encode it as UTF-8)."""
    return _write_srt(file) if file.format is CaptionFormat.SRT else _write_vtt(file)
