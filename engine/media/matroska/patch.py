"""A Matroska or WebM file with other pictures in it: only the blocks of the edited pictures change (RFC 9559).

Attachments, tags, chapters, covers, codec delays, aspect ratios and whatever else stands in the file keep their bytes.
What points into the file (SeekHead, Cues, sizes) follows what moved.
"""

from __future__ import annotations

import bisect
import mmap
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from engine.media.matroska import ids, pointers
from engine.media.matroska.clusters import (
    Cluster,
    NewBlock,
    Part,
    Pointer,
    Refused,
    cluster_with,
    has_pointers,
    header,
    part_size,
    whole_children,
)
from engine.media.mp4.copying import Piece, copy_piece, write_all
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo

_CHUNK = 1 << 20
_LOOKED_AT = 16 << 10


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
        except Refused as refusal:
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
                raise Refused("its decoder's set-up is not stored as it is")
            self._replace_private(extradata)
        self._place()
        # As wide as any place in the file will need, so that the size of the Cues does not depend on the places.
        self._place_width = ((2 * (len(data) + self._total)).bit_length() + 7) // 8
        if self._anything_moved() or self._keys_changed():
            self._rewrite_cues()
            self._rewrite_seek_heads()
        self._follow_in_clusters()
        self._header = self._segment_header()

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
        yield segment.body, None if self._header is None else (segment.start, iter([self._header]))
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
            raise Refused("the picture behind a splice relies on headers before it")

    def _check_clock(self, index: FrameIndex) -> None:
        info = next((e for e in self._top if e.id == ids.INFO), None)
        scale = None if info is None else ebml.find(self._data, info, ids.TIMESTAMP_SCALE)
        nanoseconds = 1_000_000 if scale is None else ebml.read_uint(self._data, scale)
        if index.time_base != Fraction(nanoseconds, 1_000_000_000):
            raise Refused("its track has a clock of its own")

    def _changed_clusters(self, index: FrameIndex, splices: Sequence[Splice]) -> dict[int, Cluster]:
        """Return the clusters that hold blocks of the splices, with the new ones in their places."""
        units = {
            int(index.position[unit]): (new, int(index.size[unit]))
            for splice in splices
            for unit, new in zip(range(splice.start, splice.stop), splice.units, strict=True)
        }
        if len(units) != sum(splice.stop - splice.start for splice in splices):
            raise Refused("several pictures stand in one block")
        clusters = [element for element in self._top if element.id == ids.CLUSTER]
        starts = [cluster.start for cluster in clusters]
        found: dict[int, Cluster] = {}
        by_cluster: dict[int, dict[int, tuple[CodedUnit, int]]] = {}
        for position, unit in units.items():
            at = bisect.bisect_right(starts, position) - 1
            if at < 0:
                raise Refused("a picture stands in no cluster")
            by_cluster.setdefault(at, {})[position] = unit
        for at, inside in by_cluster.items():
            found[starts[at]] = cluster_with(self._data, clusters[at], inside)
        return found

    def _replace_private(self, extradata: bytes) -> None:
        """Write the track's CodecPrivate anew; a Void behind the tracks takes up what they grow by."""
        data = self._data
        number = self._track_number()
        at, tracks = next((n, e) for n, e in enumerate(self._top) if e.id == ids.TRACKS)
        content = b""
        for entry in ebml.children(data, tracks.body, tracks.stop):
            is_ours = entry.id == ids.TRACK_ENTRY and (
                (told := ebml.find(data, entry, ids.TRACK_NUMBER)) is not None and ebml.read_uint(data, told) == number
            )
            if not is_ours:
                content += data[entry.start : entry.stop]
                continue
            inside = b"".join(
                data[child.start : child.stop]
                for child in ebml.children(data, entry.body, entry.stop)
                if child.id != ids.CODEC_PRIVATE
            )
            inside += ebml.element(ids.CODEC_PRIVATE, extradata)
            content += ebml.element(ids.TRACK_ENTRY, ebml.with_checksum(inside), entry.size_width)
        new = ebml.element(ids.TRACKS, ebml.with_checksum(content), tracks.size_width)
        self._written[tracks.start] = new
        growth = len(new) - (tracks.stop - tracks.start)
        behind = self._top[at + 1] if at + 1 < len(self._top) else None
        if behind is not None and behind.id == ebml.VOID and behind.stop - behind.start - growth >= 2:
            self._written[behind.start] = ebml.void(behind.stop - behind.start - growth)

    def _track_number(self) -> int:
        cluster = next(iter(self._clusters.values()))
        block = next(part for part in cluster.parts if isinstance(part, NewBlock))
        first = ebml.read_element(block.before, 0, len(block))
        if first.id == ids.BLOCK_GROUP:
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
            if element.id == ids.CUES:
                self._written[element.start] = pointers.cues(self._places(), element)
        self._place()
        for element in self._top:
            if element.id == ids.CUES:
                self._written[element.start] = pointers.cues(self._places(), element)

    def _places(self) -> pointers.Places:
        return pointers.Places(
            self._data, self._segment, self._at, self._clusters, self._track_number(), self._place_width
        )

    def _rewrite_seek_heads(self) -> None:
        for element in self._top:
            if element.id == ids.SEEK_HEAD:
                self._written[element.start] = pointers.seek_head(self._places(), element)

    def _follow_in_clusters(self) -> None:
        """Rewrite the clusters, too, that say where they are or how large the one before is."""
        before_changed = False
        for element in self._top:
            if element.id != ids.CLUSTER:
                continue
            is_changed = element.start in self._clusters
            moved = self._at[element.start] != element.start - self._segment.body
            if not is_changed and (moved or before_changed) and has_pointers(self._data, element):
                self._clusters[element.start] = cluster_with(self._data, element, {})
            before_changed = is_changed

    def _cluster_header(self, cluster: Cluster) -> bytes:
        element = cluster.element
        if not element.sized:
            return self._data[element.start : element.body]
        return header(ids.CLUSTER, cluster.content_size, element.size_width)

    def _cluster_bytes(self, cluster: Cluster) -> Iterator[bytes]:
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

    def _content(self, cluster: Cluster, parts: Sequence[Part]) -> Iterator[bytes]:
        gathered: list[bytes] = []
        size = 0
        for part in parts:
            if isinstance(part, NewBlock):
                gathered += [part.before, part.unit.data, part.after]
            elif isinstance(part, Pointer):
                gathered.append(self._pointer(cluster, part))
            else:
                gathered.append(self._data[part[0] : part[1]])
            size += part_size(part)
            if size >= _CHUNK:
                yield b"".join(gathered)
                gathered, size = [], 0
        yield b"".join(gathered)

    def _pointer(self, cluster: Cluster, part: Pointer) -> bytes:
        value = self._at[cluster.element.start]
        if part.id == ids.PREV_SIZE:
            before = [e for e in self._top if e.id == ids.CLUSTER and e.start < cluster.element.start]
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
            raise Refused("its length field has no room for a longer film")
        return header(ids.SEGMENT, new, width)


def _framing(extradata: bytes) -> Framing:
    return Framing.LENGTH_4 if extradata.startswith(b"\x01") else Framing.START_CODES


def _is_private(info: MediaInfo, extradata: bytes) -> bool:
    """Tell whether a CodecPrivate of this codec is what FFmpeg calls extradata, byte for byte."""
    if info.video.codec == "av1":
        return True
    return info.video.codec in ("h264", "hevc") and info.video.extradata[:1] == extradata[:1] == b"\x01"


def _segment(data: Buffer) -> Element:
    for element in ebml.children(data, 0, len(data)):
        if element.id == ids.SEGMENT:
            return element
    raise Refused("it holds no segment")


def _top_level(data: Buffer, segment: Element) -> Iterator[Element]:
    """Yield the segment's children; a cluster of unknown size ends where something that cannot be in it begins."""
    at = segment.body
    while at < segment.stop:
        element = ebml.read_element(data, at, segment.stop)
        if not element.sized:
            if element.id != ids.CLUSTER:
                raise Refused("an element other than a cluster has no size")
            stop = element.body
            for child in whole_children(data, replace(element, stop=segment.stop)):
                if child.id in ids.TOP:
                    break
                stop = child.stop
            else:
                stop = segment.stop
            element = replace(element, stop=stop)
        yield element
        at = element.stop
