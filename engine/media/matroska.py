"""A Matroska or WebM file with other pictures in it: only the blocks of the edited pictures change (RFC 9559).

Attachments, tags, chapters, covers, codec delays, aspect ratios and whatever else stands in the file keep their bytes.
What points into the file (SeekHead, Cues, sizes) follows what moved.
"""

from __future__ import annotations

import bisect
import mmap
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from engine.control import CancelToken, Progress
from engine.media import ebml
from engine.media.bitstream.nal import Framing
from engine.media.coded import CodedUnit, Splice
from engine.media.ebml import Buffer, Element, MalformedEbml
from engine.media.in_band import header_syntax, leaves_headers
from engine.media.in_place import NotPatchable
from engine.media.mp4.copying import Piece, copy_piece, write_all
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo

_SEGMENT = 0x18538067
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _TIMESTAMP_SCALE = 0x1549A966, 0x2AD7B1
_TRACKS, _TRACK_ENTRY, _TRACK_NUMBER, _CODEC_PRIVATE = 0x1654AE6B, 0xAE, 0xD7, 0x63A2
_CLUSTER, _TIMESTAMP, _POSITION, _PREV_SIZE = 0x1F43B675, 0xE7, 0xA7, 0xAB
_SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xA3, 0xA0, 0xA1
_BLOCK_DURATION, _REFERENCE_BLOCK, _REFERENCE_PRIORITY = 0x9B, 0xFB, 0xFA
_CUES, _CUE_POINT, _CUE_TIME, _CUE_TRACK_POSITIONS = 0x1C53BB6B, 0xBB, 0xB3, 0xB7
_CUE_TRACK, _CUE_CLUSTER, _CUE_RELATIVE = 0xF7, 0xF1, 0xF0

_TOP = frozenset({_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES, 0x1043A770, 0x1254C367, 0x1941A469, _SEGMENT})
_KEY, _LACING, _DISCARDABLE = 0x80, 0x06, 0x01
_CHUNK = 1 << 20
_LOOKED_AT = 16 << 10


class _Refused(Exception):
    """The file has something in it that is not understood well enough to change it."""


@dataclass(frozen=True, slots=True)
class _NewBlock:
    """A block of the edited track; `before` and `after` surround the unit's bytes."""

    before: bytes
    unit: CodedUnit
    after: bytes

    def __len__(self) -> int:
        return len(self.before) + len(self.unit.data) + len(self.after)


@dataclass(frozen=True, slots=True)
class _Pointer:
    """A child of a cluster that says where the cluster, or the one before it, is: `size` bytes in all."""

    id: int
    size: int


_Part = tuple[int, int] | _NewBlock | _Pointer
"""Bytes [start, stop) of the source, a new block, or a pointer."""


@dataclass(slots=True)
class _Cluster:
    """A cluster that is written in parts.

    Attributes:
        element: its place in the source.
        parts: its content.
        moved: where in the content each block was, and where it is now.
        keys: presentation time and place of each new block that is a keyframe.
        former_keys: times of the replaced blocks that were.
        replaced: places of the replaced blocks; replaced_times: their times.
    """

    element: Element
    parts: list[_Part] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)
    keys: list[tuple[int, int]] = field(default_factory=list)
    former_keys: set[int] = field(default_factory=set)
    replaced: set[int] = field(default_factory=set)
    replaced_times: set[int] = field(default_factory=set)

    @property
    def content_size(self) -> int:
        return sum(_part_size(part) for part in self.parts)


def patch_matroska(
    source: Path,
    info: MediaInfo,
    index: FrameIndex,
    splices: Sequence[Splice],
    extradata: bytes,
    target: Path,
    progress: Progress,
    cancel: CancelToken,
) -> NotPatchable | None:
    """Copy a Matroska file and exchange the splices' pictures.

    Args:
        source: the film; not modified.
        info: of the film.
        index: of its edited stream; its positions are those of block contents.
        splices: in order, that do not overlap; their times are the file's own.
        extradata: of the edited stream, good for its own units and the splices'.
        target: written anew.
        progress: gets the share of the source's bytes.
        cancel: looked at between pieces.

    Returns:
        None when it is done; else why it cannot be.

    Raises:
        Cancelled: on request.
        OSError: the target cannot be written.
    """
    with source.open("rb", buffering=0) as reader, mmap.mmap(reader.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            plan = _Plan(data, info, index, splices, extradata)
        except _Refused as refusal:
            return NotPatchable(str(refusal))
        except MalformedEbml as error:
            return NotPatchable(f"its structure is damaged: {error}")
        with target.open("wb", buffering=0) as writer:
            plan.write(reader, writer, progress, cancel)
    return None


class _Plan:
    """Where everything will stand, worked out before a byte is written."""

    def __init__(
        self, data: mmap.mmap, info: MediaInfo, index: FrameIndex, splices: Sequence[Splice], extradata: bytes
    ) -> None:
        self._data = data
        self._check_headers(info, index, splices)
        self._segment = _segment(data)
        self._top = list(_top_level(data, self._segment))
        self._check_clock(index)
        self._clusters = self._changed_clusters(index, splices)
        self._written: dict[int, bytes] = {}
        if extradata != info.video.extradata and self._clusters:
            if not _is_private(info, extradata):
                raise _Refused("its decoder's set-up is not stored as it is")
            self._replace_private(extradata)
        self._place()
        # As wide as any place in the file will need, so that the size of the Cues does not depend on the places.
        self._place_width = ((2 * (len(data) + self._total)).bit_length() + 7) // 8
        if self._anything_moved() or self._keys_changed():
            self._rewrite_cues()
            self._rewrite_seek_heads()
        self._follow_in_clusters()

    def write(self, reader: BinaryIO, writer: BinaryIO, progress: Progress, cancel: CancelToken) -> None:
        """Write the file, piece by piece."""
        size = len(self._data)

        def told(_: int) -> None:
            progress.report("Writing", writer.tell() / size)

        verbatim = 0
        for stop, new in self._pieces():
            if new is None:
                continue
            start, content = new
            copy_piece(reader, writer, Piece(verbatim, start, writer.tell()), cancel, told)
            for chunk in content:
                cancel.check()
                write_all(writer, chunk)
            told(0)
            verbatim = stop
        copy_piece(reader, writer, Piece(verbatim, size, writer.tell()), cancel, told)
        progress.report("Writing", 1.0)

    def _pieces(self) -> Iterator[tuple[int, tuple[int, Iterator[bytes]] | None]]:
        """Yield (where it stops in the source, what takes its place) of everything, in order; None: it is copied."""
        segment = self._segment
        header = self._segment_header()
        yield segment.body, (segment.start, iter([header])) if header is not None else None
        for element in self._top:
            if element.start in self._written:
                yield element.stop, (element.start, iter([self._written[element.start]]))
            elif element.start in self._clusters:
                yield element.stop, (element.start, self._cluster_bytes(self._clusters[element.start]))
            else:
                yield element.stop, None

    def _check_headers(self, info: MediaInfo, index: FrameIndex, splices: Sequence[Splice]) -> None:
        syntax = header_syntax(info.video.codec, _framing(info.video.extradata))

        def picture_start(unit: int) -> bytes:
            at = int(index.position[unit])
            _, width = ebml.read_vint(self._data, at, len(self._data))
            return self._data[at + width + 3 : at + _LOOKED_AT]

        if any(leaves_headers(syntax, splice, index, picture_start) for splice in splices):
            raise _Refused("the picture behind a splice relies on headers before it")

    def _check_clock(self, index: FrameIndex) -> None:
        info = next((e for e in self._top if e.id == _INFO), None)
        scale = None if info is None else ebml.find(self._data, info, _TIMESTAMP_SCALE)
        nanoseconds = 1_000_000 if scale is None else ebml.read_uint(self._data, scale)
        if index.time_base != Fraction(nanoseconds, 1_000_000_000):
            raise _Refused("its track has a clock of its own")

    def _changed_clusters(self, index: FrameIndex, splices: Sequence[Splice]) -> dict[int, _Cluster]:
        """Return the clusters that hold blocks of the splices, with the new ones in their places."""
        units = {
            int(index.position[unit]): (new, int(index.size[unit]))
            for splice in splices
            for unit, new in zip(range(splice.start, splice.stop), splice.units, strict=True)
        }
        if len(units) != sum(splice.stop - splice.start for splice in splices):
            raise _Refused("several pictures stand in one block")
        clusters = [element for element in self._top if element.id == _CLUSTER]
        starts = [cluster.start for cluster in clusters]
        found: dict[int, _Cluster] = {}
        by_cluster: dict[int, dict[int, tuple[CodedUnit, int]]] = {}
        for position, unit in units.items():
            at = bisect.bisect_right(starts, position) - 1
            if at < 0:
                raise _Refused("a picture stands in no cluster")
            by_cluster.setdefault(at, {})[position] = unit
        for at, inside in by_cluster.items():
            found[starts[at]] = self._cluster_with(clusters[at], inside)
        return found

    def _cluster_with(self, element: Element, units: Mapping[int, tuple[CodedUnit, int]]) -> _Cluster:
        """Return a cluster with units in the blocks whose contents stand at their positions."""
        data = self._data
        cluster = _Cluster(element)
        clock = 0
        at = 0
        left = dict(units)
        read = element.body
        for child in _whole_children(data, element):
            part: _Part = (child.start, child.stop)
            read = child.stop
            if child.id == _TIMESTAMP:
                clock = ebml.read_uint(data, child)
            elif child.id in (_POSITION, _PREV_SIZE):
                part = _Pointer(child.id, child.stop - child.start)
            elif child.id in (_SIMPLE_BLOCK, _BLOCK_GROUP):
                block = child if child.id == _SIMPLE_BLOCK else ebml.find(data, child, _BLOCK)
                unit = None if block is None else left.pop(block.body, None)
                if block is not None and unit is not None:
                    part = self._exchanged(cluster, child, block, clock, *unit, at)
                cluster.moved[child.start - element.body] = at
            cluster.parts.append(part)
            at += _part_size(part)
        if read < element.stop:
            cluster.parts.append((read, element.stop))
        if left:
            raise _Refused("a picture does not stand where its block begins")
        return cluster

    def _exchanged(
        self, cluster: _Cluster, child: Element, block: Element, clock: int, unit: CodedUnit, size: int, at: int
    ) -> _NewBlock:
        """Return the block that takes the place of another, and note what that changes for the Cues."""
        data = self._data
        _, width = ebml.read_vint(data, block.body, block.stop)
        head = block.body + width
        flags = data[head + 2]
        if flags & _LACING or block.stop - head - 3 != size:
            raise _Refused("its pictures are laced, compressed or encrypted")
        former = clock + int.from_bytes(data[head : head + 2], "big", signed=True)
        relative = unit.pts - clock
        if not -0x8000 <= relative < 0x8000:
            raise _Refused("a picture is too far from its cluster's time")
        track = data[block.body : head]
        time = relative.to_bytes(2, "big", signed=True)
        is_simple = child.id == _SIMPLE_BLOCK
        was_key = bool(flags & _KEY) if is_simple else ebml.find(data, child, _REFERENCE_BLOCK) is None
        cluster.replaced.add(child.start - cluster.element.body)
        cluster.replaced_times.add(former)
        if was_key:
            cluster.former_keys.add(former)
        if unit.key:
            cluster.keys.append((unit.pts, at))
        flags &= ~(_KEY | _DISCARDABLE)
        if is_simple:
            content = track + time + bytes([flags | (_KEY if unit.key else 0)])
            return _NewBlock(
                _header(_SIMPLE_BLOCK, len(content) + len(unit.data), child.size_width) + content, unit, b""
            )
        after = self._beside_block(child, unit)
        content = track + time + bytes([flags])
        inner = _header(_BLOCK, len(content) + len(unit.data), block.size_width) + content
        outer = _header(_BLOCK_GROUP, len(inner) + len(unit.data) + len(after), child.size_width)
        return _NewBlock(outer + inner, unit, after)

    def _beside_block(self, group: Element, unit: CodedUnit) -> bytes:
        """Return what follows the block in its group: the duration if there was one, a reference if it needs one."""
        data = self._data
        after = b""
        for child in ebml.children(data, group.body, group.stop):
            if child.id == _BLOCK_DURATION:
                after += ebml.uint(_BLOCK_DURATION, unit.duration, child.stop - child.body)
            elif child.id not in (_BLOCK, _REFERENCE_BLOCK, _REFERENCE_PRIORITY, ebml.VOID):
                raise _Refused("its pictures carry more than themselves (a matte, a padding)")
        if not unit.key:
            # That there is a reference says that this is no keyframe; which one is for information only.
            after += ebml.element(_REFERENCE_BLOCK, (-1).to_bytes(1, "big", signed=True))
        return after

    def _replace_private(self, extradata: bytes) -> None:
        """Write the track's CodecPrivate anew; a Void behind the tracks takes up what they grow by."""
        data = self._data
        number = self._track_number()
        at, tracks = next((n, e) for n, e in enumerate(self._top) if e.id == _TRACKS)
        content = b""
        for entry in ebml.children(data, tracks.body, tracks.stop):
            is_ours = entry.id == _TRACK_ENTRY and (
                (told := ebml.find(data, entry, _TRACK_NUMBER)) is not None and ebml.read_uint(data, told) == number
            )
            if not is_ours:
                content += data[entry.start : entry.stop]
                continue
            inside = b"".join(
                data[child.start : child.stop]
                for child in ebml.children(data, entry.body, entry.stop)
                if child.id != _CODEC_PRIVATE
            )
            inside += ebml.element(_CODEC_PRIVATE, extradata)
            content += ebml.element(_TRACK_ENTRY, ebml.with_checksum(inside), entry.size_width)
        new = ebml.element(_TRACKS, ebml.with_checksum(content), tracks.size_width)
        self._written[tracks.start] = new
        growth = len(new) - (tracks.stop - tracks.start)
        behind = self._top[at + 1] if at + 1 < len(self._top) else None
        if behind is not None and behind.id == ebml.VOID and behind.stop - behind.start - growth >= 2:
            self._written[behind.start] = ebml.void(behind.stop - behind.start - growth)

    def _track_number(self) -> int:
        cluster = next(iter(self._clusters.values()))
        block = next(part for part in cluster.parts if isinstance(part, _NewBlock))
        first = ebml.read_element(block.before, 0, len(block))
        if first.id == _BLOCK_GROUP:
            first = ebml.read_element(block.before, first.body, len(block))
        return ebml.read_vint(block.before, first.body, len(block.before))[0]

    def _place(self) -> None:
        """Find where each element will stand, counted from the segment's content."""
        self._at: dict[int, int] = {}
        at = 0
        for element in self._top:
            self._at[element.start] = at
            at += self._size_of(element)
        self._total = at

    def _size_of(self, element: Element) -> int:
        if element.start in self._written:
            return len(self._written[element.start])
        if element.start in self._clusters:
            cluster = self._clusters[element.start]
            return len(self._cluster_header(cluster)) + cluster.content_size
        return element.stop - element.start

    def _anything_moved(self) -> bool:
        moved = any(self._at[element.start] != element.start - self._segment.body for element in self._top)
        inside = any(was != now for cluster in self._clusters.values() for was, now in cluster.moved.items())
        return moved or inside

    def _keys_changed(self) -> bool:
        return any({pts for pts, _ in cluster.keys} != cluster.former_keys for cluster in self._clusters.values())

    def _rewrite_cues(self) -> None:
        """Let the Cues point to where the blocks are; their size does not depend on the places."""
        for element in self._top:
            if element.id == _CUES:
                self._written[element.start] = self._cues(element)
        self._place()
        for element in self._top:
            if element.id == _CUES:
                self._written[element.start] = self._cues(element)

    def _cues(self, cues: Element) -> bytes:
        data = self._data
        number = self._track_number()
        points: list[tuple[int, bytes]] = []
        says_where, has_ours = False, False
        for point in ebml.children(data, cues.body, cues.stop):
            if point.id != _CUE_POINT:
                continue
            told = ebml.find(data, point, _CUE_TIME)
            time = 0 if told is None else ebml.read_uint(data, told)
            kept = []
            for child in ebml.children(data, point.body, point.stop):
                if child.id != _CUE_TRACK_POSITIONS:
                    continue
                values = {e.id: ebml.read_uint(data, e) for e in ebml.children(data, child.body, child.stop)}
                has_ours |= values.get(_CUE_TRACK) == number
                says_where |= _CUE_RELATIVE in values
                new = self._cue_positions(child, values, time, number)
                if new is not None:
                    kept.append(new)
            if kept:
                points.append((time, ebml.element(_CUE_POINT, ebml.uint(_CUE_TIME, time) + b"".join(kept))))
        for start, cluster in self._clusters.items():
            for pts, place in cluster.keys if has_ours else ():
                if pts >= 0:
                    where = ebml.uint(_CUE_RELATIVE, place) if says_where else b""
                    place_of = ebml.uint(_CUE_TRACK, number) + self._cue_cluster(start) + where
                    positions = ebml.element(_CUE_TRACK_POSITIONS, place_of)
                    points.append((pts, ebml.element(_CUE_POINT, ebml.uint(_CUE_TIME, pts) + positions)))
        points.sort(key=lambda point: point[0])
        checked = data[cues.body : cues.body + 2] == b"\xbf\x84"
        content = (b"\xbf\x84" + bytes(4) if checked else b"") + b"".join(point for _, point in points)
        return ebml.element(_CUES, ebml.with_checksum(content), cues.size_width)

    def _cue_positions(self, child: Element, values: Mapping[int, int], time: int, number: int) -> bytes | None:
        """Return where a cue leads now, None where its block is not there any more."""
        data = self._data
        start = self._segment.body + values.get(_CUE_CLUSTER, 0)
        cluster = self._clusters.get(start)
        if start not in self._at:
            return data[child.start : child.stop]
        relative = values.get(_CUE_RELATIVE)
        if cluster is not None and values.get(_CUE_TRACK) == number:
            gone = time in cluster.replaced_times if relative is None else relative in cluster.replaced
            if gone:
                return None
        content = b""
        for element in ebml.children(data, child.body, child.stop):
            if element.id == _CUE_CLUSTER:
                content += self._cue_cluster(start)
            elif element.id == _CUE_RELATIVE and cluster is not None and relative is not None:
                content += ebml.uint(_CUE_RELATIVE, cluster.moved.get(relative, relative))
            else:
                content += data[element.start : element.stop]
        return ebml.element(_CUE_TRACK_POSITIONS, content)

    def _cue_cluster(self, start: int) -> bytes:
        return ebml.uint(_CUE_CLUSTER, self._at[start], self._place_width)

    def _rewrite_seek_heads(self) -> None:
        for element in self._top:
            if element.id == _SEEK_HEAD:
                self._written[element.start] = self._seek_head(element)

    def _seek_head(self, head: Element) -> bytes:
        data = self._data
        content = bytearray(data[head.body : head.stop])
        for seek in ebml.children(data, head.body, head.stop):
            told = ebml.find(data, seek, _SEEK_POSITION) if seek.id == _SEEK else None
            if told is None:
                continue
            place = self._at.get(self._segment.body + ebml.read_uint(data, told))
            width = told.stop - told.body
            if place is None:
                continue
            if place.bit_length() > 8 * width:
                raise _Refused("its table of contents has no room for larger places")
            content[told.body - head.body : told.stop - head.body] = place.to_bytes(width, "big")
        return data[head.start : head.body] + ebml.with_checksum(bytes(content))

    def _follow_in_clusters(self) -> None:
        """Rewrite the clusters, too, that say where they are or how large the one before is."""
        before_changed = False
        for element in self._top:
            if element.id != _CLUSTER:
                continue
            is_changed = element.start in self._clusters
            moved = self._at[element.start] != element.start - self._segment.body
            if not is_changed and (moved or before_changed) and self._has_pointers(element):
                self._clusters[element.start] = self._cluster_with(element, {})
            before_changed = is_changed

    def _has_pointers(self, cluster: Element) -> bool:
        for child in ebml.children(self._data, cluster.body, cluster.stop):
            if child.id in (_POSITION, _PREV_SIZE):
                return True
            if child.id in (_SIMPLE_BLOCK, _BLOCK_GROUP):
                return False
        return False

    def _cluster_header(self, cluster: _Cluster) -> bytes:
        element = cluster.element
        if not element.sized:
            return self._data[element.start : element.body]
        return _header(_CLUSTER, cluster.content_size, element.size_width)

    def _cluster_bytes(self, cluster: _Cluster) -> Iterator[bytes]:
        yield self._cluster_header(cluster)
        first = cluster.parts[0] if cluster.parts else None
        if isinstance(first, tuple) and self._data[first[0] : first[0] + 2] == b"\xbf\x84":
            checksum = 0
            for chunk in self._content(cluster, cluster.parts[1:]):
                checksum = zlib.crc32(chunk, checksum)
            yield b"\xbf\x84" + checksum.to_bytes(4, "little")
            yield from self._content(cluster, cluster.parts[1:])
        else:
            yield from self._content(cluster, cluster.parts)

    def _content(self, cluster: _Cluster, parts: Sequence[_Part]) -> Iterator[bytes]:
        gathered: list[bytes] = []
        size = 0
        for part in parts:
            if isinstance(part, _NewBlock):
                gathered += [part.before, part.unit.data, part.after]
            elif isinstance(part, _Pointer):
                gathered.append(self._pointer(cluster, part))
            else:
                gathered.append(self._data[part[0] : part[1]])
            size += _part_size(part)
            if size >= _CHUNK:
                yield b"".join(gathered)
                gathered, size = [], 0
        yield b"".join(gathered)

    def _pointer(self, cluster: _Cluster, part: _Pointer) -> bytes:
        value = self._at[cluster.element.start]
        if part.id == _PREV_SIZE:
            before = [e for e in self._top if e.id == _CLUSTER and e.start < cluster.element.start]
            value = self._size_of(before[-1]) if before else 0
        new = ebml.uint(part.id, value, part.size - 2)
        return new if len(new) == part.size else ebml.void(part.size)

    def _segment_header(self) -> bytes | None:
        segment = self._segment
        if not segment.sized:
            return None
        size, width = ebml.read_vint(self._data, segment.start + 4, len(self._data))
        new = size + self._total - (segment.stop - segment.body)
        if new == size:
            return None
        if new >= (1 << 7 * width) - 1:
            raise _Refused("its length field has no room for a longer film")
        return _header(_SEGMENT, new, width)


def _framing(extradata: bytes) -> Framing:
    return Framing.LENGTH_4 if extradata.startswith(b"\x01") else Framing.START_CODES


def _is_private(info: MediaInfo, extradata: bytes) -> bool:
    """Tell whether a CodecPrivate of this codec is what FFmpeg calls extradata, byte for byte."""
    if info.video.codec == "av1":
        return True
    return info.video.codec in ("h264", "hevc") and info.video.extradata[:1] == extradata[:1] == b"\x01"


def _segment(data: Buffer) -> Element:
    for element in ebml.children(data, 0, len(data)):
        if element.id == _SEGMENT:
            return element
    raise _Refused("it holds no segment")


def _top_level(data: Buffer, segment: Element) -> Iterator[Element]:
    """Yield the segment's children; a cluster of unknown size ends where something that cannot be in it begins."""
    at = segment.body
    while at < segment.stop:
        element = ebml.read_element(data, at, segment.stop)
        if not element.sized:
            if element.id != _CLUSTER:
                raise _Refused("an element other than a cluster has no size")
            stop = element.body
            for child in _whole_children(data, replace(element, stop=segment.stop)):
                if child.id in _TOP:
                    break
                stop = child.stop
            else:
                stop = segment.stop
            element = replace(element, stop=stop)
        yield element
        at = element.stop


def _whole_children(data: Buffer, parent: Element) -> Iterator[Element]:
    """Yield a cluster's children up to the last one whose header is there: a recording may break off in one."""
    try:
        yield from ebml.children(data, parent.body, parent.stop)
    except MalformedEbml:
        return


def _header(element_id: int, size: int, width: int) -> bytes:
    return element_id.to_bytes(ebml.id_width(element_id), "big") + ebml.size_field(size, width)


def _part_size(part: _Part) -> int:
    if isinstance(part, _NewBlock):
        return len(part)
    return part.size if isinstance(part, _Pointer) else part[1] - part[0]
