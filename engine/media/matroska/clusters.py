"""Clusters with other pictures in their blocks, described part by part before a byte is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.media import ebml
from engine.media.coded import CodedUnit
from engine.media.ebml import Buffer, Element, MalformedEbml
from engine.media.matroska import ids

_KEY, _LACING, _DISCARDABLE = 0x80, 0x06, 0x01


class Refused(Exception):
    """The file has something in it that is not understood well enough to change it."""


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block of the edited track; `before` and `after` surround the unit's bytes."""

    before: bytes
    unit: CodedUnit
    after: bytes

    def __len__(self) -> int:
        return len(self.before) + len(self.unit.data) + len(self.after)


@dataclass(frozen=True, slots=True)
class Pointer:
    """A child of a cluster that says where the cluster, or the one before it, is: `size` bytes in all."""

    id: int
    size: int


Part = tuple[int, int] | NewBlock | Pointer
"""Bytes [start, stop) of the source, a new block, or a pointer."""


@dataclass(slots=True)
class Cluster:
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
    parts: list[Part] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)
    keys: list[tuple[int, int]] = field(default_factory=list)
    former_keys: set[int] = field(default_factory=set)
    replaced: set[int] = field(default_factory=set)
    replaced_times: set[int] = field(default_factory=set)

    @property
    def content_size(self) -> int:
        """Return the bytes of its content."""
        return sum(part_size(part) for part in self.parts)


def cluster_with(data: Buffer, element: Element, units: Mapping[int, tuple[CodedUnit, int]]) -> Cluster:
    """Return a cluster with units in the blocks whose contents stand at their positions."""
    cluster = Cluster(element)
    clock = 0
    at = 0
    left = dict(units)
    read = element.body
    for child in whole_children(data, element):
        part: Part = (child.start, child.stop)
        read = child.stop
        if child.id == ids.TIMESTAMP:
            clock = ebml.read_uint(data, child)
        elif child.id in (ids.POSITION, ids.PREV_SIZE):
            part = Pointer(child.id, child.stop - child.start)
        elif child.id in (ids.SIMPLE_BLOCK, ids.BLOCK_GROUP):
            block = child if child.id == ids.SIMPLE_BLOCK else ebml.find(data, child, ids.BLOCK)
            unit = None if block is None else left.pop(block.body, None)
            if block is not None and unit is not None:
                part = _exchanged(data, cluster, child, block, clock, *unit, at)
            cluster.moved[child.start - element.body] = at
        cluster.parts.append(part)
        at += part_size(part)
    if read < element.stop:
        cluster.parts.append((read, element.stop))
    if left:
        raise Refused("a picture does not stand where its block begins")
    return cluster


def _exchanged(
    data: Buffer, cluster: Cluster, child: Element, block: Element, clock: int, unit: CodedUnit, size: int, at: int
) -> NewBlock:
    """Return the block that takes the place of another, and note what that changes for the Cues."""
    _, width = ebml.read_vint(data, block.body, block.stop)
    head = block.body + width
    flags = data[head + 2]
    if flags & _LACING or block.stop - head - 3 != size:
        raise Refused("its pictures are laced, compressed or encrypted")
    former = clock + int.from_bytes(data[head : head + 2], "big", signed=True)
    relative = unit.pts - clock
    if not -0x8000 <= relative < 0x8000:
        raise Refused("a picture is too far from its cluster's time")
    track = data[block.body : head]
    time = relative.to_bytes(2, "big", signed=True)
    is_simple = child.id == ids.SIMPLE_BLOCK
    was_key = bool(flags & _KEY) if is_simple else ebml.find(data, child, ids.REFERENCE_BLOCK) is None
    cluster.replaced.add(child.start - cluster.element.body)
    cluster.replaced_times.add(former)
    if was_key:
        cluster.former_keys.add(former)
    if unit.key:
        cluster.keys.append((unit.pts, at))
    flags &= ~(_KEY | _DISCARDABLE)
    if is_simple:
        content = track + time + bytes([flags | (_KEY if unit.key else 0)])
        return NewBlock(header(ids.SIMPLE_BLOCK, len(content) + len(unit.data), child.size_width) + content, unit, b"")
    after = _beside_block(data, child, unit)
    content = track + time + bytes([flags])
    inner = header(ids.BLOCK, len(content) + len(unit.data), block.size_width) + content
    outer = header(ids.BLOCK_GROUP, len(inner) + len(unit.data) + len(after), child.size_width)
    return NewBlock(outer + inner, unit, after)


def _beside_block(data: Buffer, group: Element, unit: CodedUnit) -> bytes:
    """Return what follows the block in its group: the duration if there was one, a reference if it needs one."""
    after = b""
    for child in ebml.children(data, group.body, group.stop):
        if child.id == ids.BLOCK_DURATION:
            after += ebml.uint(ids.BLOCK_DURATION, unit.duration, child.stop - child.body)
        elif child.id not in (ids.BLOCK, ids.REFERENCE_BLOCK, ids.REFERENCE_PRIORITY, ebml.VOID):
            raise Refused("its pictures carry more than themselves (a matte, a padding)")
    if not unit.key:
        # That there is a reference says that this is no keyframe; which one is for information only.
        after += ebml.element(ids.REFERENCE_BLOCK, (-1).to_bytes(1, "big", signed=True))
    return after


def has_pointers(data: Buffer, cluster: Element) -> bool:
    """Tell whether a cluster says where it is, or how large the one before it is."""
    for child in ebml.children(data, cluster.body, cluster.stop):
        if child.id in (ids.POSITION, ids.PREV_SIZE):
            return True
        if child.id in (ids.SIMPLE_BLOCK, ids.BLOCK_GROUP):
            return False
    return False


def whole_children(data: Buffer, parent: Element) -> Iterator[Element]:
    """Yield a cluster's children up to the last one whose header is there: a recording may break off in one."""
    try:
        yield from ebml.children(data, parent.body, parent.stop)
    except MalformedEbml:
        return


def header(element_id: int, size: int, width: int) -> bytes:
    """Return an element's ID and its size field of at least `width` bytes."""
    return element_id.to_bytes(ebml.id_width(element_id), "big") + ebml.size_field(size, width)


def part_size(part: Part) -> int:
    """Return the bytes of a part."""
    if isinstance(part, NewBlock):
        return len(part)
    return part.size if isinstance(part, Pointer) else part[1] - part[0]
