"""Canonical JSON of the model's frozen dataclasses, both ways, driven by their type hints.

The form of the journal, of snapshots and of `EDITS.json`. Rules:

- a dataclass is an object of its fields; a field equal to its default is left out, so a field added later with a
  default changes neither old text nor old digests (a default, once released, must never change);
- a member of a union also carries its class name under "is";
- a Fraction is "n/d", a Range is [start, stop], bytes are base64, an Enum is its value, a tuple is a list;
- keys are sorted, no spaces, no NaN: equal values have equal text.

Reading trusts nothing: whatever does not fit the hints is refused with the place where it stands.
"""

# ruff: noqa: ANN401 (values of any type pass through here; the hints of the dataclasses say which)

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, cast

from engine.errors import EditRefused
from engine.model.time import Range

T = TypeVar("T")
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

INTEGER_LIMIT = 1 << 63
"""Integers at or beyond this magnitude are refused: SQLite and NumPy could not hold them."""


def dumps(value: object, kind: Any) -> str:
    """Return the canonical JSON text of a value of type `kind` (a dataclass, a union, a tuple ...)."""
    return json.dumps(_writer(kind)(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def loads(text: str, kind: type[T] | Any) -> T:
    """Return the value that a JSON text stands for.

    Raises:
        EditRefused: the text is no JSON, or does not fit `kind`; the message names the place and what stands there.
    """
    return cast(T, from_json(parse(text), kind))


def to_json(value: object, kind: Any) -> Json:
    """Return the plain JSON value of a value of type `kind`."""
    return cast(Json, _writer(kind)(value))


def from_json(data: Json, kind: Any) -> Any:
    """Return the value that a plain JSON value stands for.

    Raises:
        EditRefused: it does not fit `kind`.
    """
    try:
        return _reader(kind)(data, "")
    except RecursionError as error:
        raise EditRefused("the data is nested too deeply to be a project's") from error


def parse(text: str) -> Json:
    """Parse JSON text strictly (no NaN, no infinity, no lone surrogates).

    Raises:
        EditRefused: it is not such a text.
    """
    try:
        text.encode()
        return cast(Json, json.loads(text, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise EditRefused(f"not valid JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number that a project can hold")


def _refuse(place: str, wanted: str, data: object) -> EditRefused:
    shown = repr(data)
    return EditRefused(
        f"{place or 'the value'}: {wanted} expected, {shown[:60] + '...' if len(shown) > 60 else shown} found"
    )


# --- writing ---------------------------------------------------------------------------------------------------------


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    origin = typing.get_origin(kind)
    if kind in (int, str, bool, type(None)):
        return _same
    if kind is float:
        return float  # 24 and 24.0 are one value and must have one text
    if kind is Fraction:
        return lambda v: f"{v.numerator}/{v.denominator}"
    if kind is Range:
        return lambda v: [v.start, v.stop]
    if kind is bytes:
        return lambda v: base64.b64encode(v).decode("ascii")
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda v: v.value
    if origin is tuple:
        return _tuple_writer(typing.get_args(kind))
    if origin in (typing.Union, types.UnionType):
        return _union_writer(_members(kind))
    if dataclasses.is_dataclass(kind):
        return _object_writer(cast(type, kind))
    raise TypeError(f"the model's JSON has no form for {kind!r}")


def _same(value: Any) -> Any:
    return value


def _tuple_writer(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        each = _writer(args[0])
        return lambda v: [each(item) for item in v]
    writers = [_writer(arg) for arg in args]
    return lambda v: [write(item) for write, item in zip(writers, v, strict=True)]


def _union_writer(members: tuple[Any, ...]) -> Callable[[Any], Any]:
    tagged = _tagged(members)
    plain = [m for m in members if m is not type(None) and m not in tagged.values()]

    def write(value: Any) -> Any:
        if value is None:
            return None
        kind = type(value)
        if tagged.get(kind.__name__) is kind:
            return {"is": kind.__name__, **_writer(kind)(value)}
        if len(plain) == 1:
            return _writer(plain[0])(value)
        raise TypeError(f"{kind.__name__} is no member of this union")

    return write


def _object_writer(kind: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    fields = [(f.name, _default(f), _late(hints[f.name], _writer)) for f in dataclasses.fields(kind) if f.init]

    def write(value: Any) -> Any:
        result = {}
        for name, default, each in fields:
            item = getattr(value, name)
            if default is dataclasses.MISSING or item != default:
                result[name] = each(item)
        return result

    return write


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _late(kind: Any, make: Callable[[Any], Callable[..., Any]]) -> Callable[..., Any]:
    """Return a coder that is built at its first use, so that types may refer to each other in circles."""
    built: list[Callable[..., Any]] = []

    def call(*args: Any) -> Any:
        if not built:
            built.append(make(kind))
        return built[0](*args)

    return call


# --- reading ---------------------------------------------------------------------------------------------------------


@cache
def _reader(kind: Any) -> Callable[[Any, str], Any]:
    origin = typing.get_origin(kind)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    if origin is tuple:
        return _tuple_reader(typing.get_args(kind))
    if origin in (typing.Union, types.UnionType):
        return _union_reader(_members(kind))
    if dataclasses.is_dataclass(kind):
        return _object_reader(cast(type, kind))
    raise TypeError(f"the model's JSON has no form for {kind!r}")


def _read_int(data: Any, place: str) -> int:
    if type(data) is not int or not -INTEGER_LIMIT < data < INTEGER_LIMIT:
        raise _refuse(place, "a whole number", data)
    return data


def _read_float(data: Any, place: str) -> float:
    if type(data) not in (int, float):
        raise _refuse(place, "a number", data)
    try:
        value = float(data)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise _refuse(place, "a finite number", data)
    return value


def _read_str(data: Any, place: str) -> str:
    if type(data) is not str:
        raise _refuse(place, "a text", data)
    try:
        data.encode()
    except UnicodeEncodeError as error:
        raise _refuse(place, "text without broken characters", data) from error
    return data


def _read_bool(data: Any, place: str) -> bool:
    if type(data) is not bool:
        raise _refuse(place, "true or false", data)
    return data


def _read_fraction(data: Any, place: str) -> Fraction:
    if type(data) is int:
        return Fraction(_read_int(data, place))
    if type(data) is str and len(data) <= 42:
        numerator, slash, denominator = data.partition("/")
        try:
            top, bottom = int(numerator), int(denominator) if slash else 1
        except ValueError:
            raise _refuse(place, 'a fraction such as "1001/30000"', data) from None
        if -INTEGER_LIMIT < top < INTEGER_LIMIT and 0 < bottom < INTEGER_LIMIT:
            return Fraction(top, bottom)
    raise _refuse(place, 'a fraction such as "1001/30000"', data)


def _read_range(data: Any, place: str) -> Range:
    if type(data) is not list or len(data) != 2:
        raise _refuse(place, "a range [start, stop]", data)
    start, stop = _read_int(data[0], place), _read_int(data[1], place)
    if stop < start:
        raise _refuse(place, "a range that does not end before it starts", data)
    return Range(start, stop)


def _read_bytes(data: Any, place: str) -> bytes:
    if type(data) is not str:
        raise _refuse(place, "base64 text", data)
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refuse(place, "base64 text", data) from error


def _read_none(data: Any, place: str) -> None:
    if data is not None:
        raise _refuse(place, "null", data)


_SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    int: _read_int,
    float: _read_float,
    str: _read_str,
    bool: _read_bool,
    Fraction: _read_fraction,
    Range: _read_range,
    bytes: _read_bytes,
    type(None): _read_none,
}


def _enum_reader(kind: type[Enum]) -> Callable[[Any, str], Any]:
    by_value = {member.value: member for member in kind}
    wanted = "one of " + ", ".join(map(str, by_value))

    def read(data: Any, place: str) -> Any:
        if type(data) not in (str, int) or data not in by_value:
            raise _refuse(place, wanted, data)
        return by_value[data]

    return read


def _tuple_reader(args: tuple[Any, ...]) -> Callable[[Any, str], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        each = _reader(args[0])

        def read_all(data: Any, place: str) -> Any:
            if type(data) is not list:
                raise _refuse(place, "a list", data)
            return tuple([each(item, f"{place}[{i}]") for i, item in enumerate(data)])

        return read_all
    readers = [_reader(arg) for arg in args]

    def read(data: Any, place: str) -> Any:
        if type(data) is not list or len(data) != len(readers):
            raise _refuse(place, f"a list of {len(readers)}", data)
        return tuple([each(item, f"{place}[{i}]") for i, (each, item) in enumerate(zip(readers, data, strict=True))])

    return read


def _union_reader(members: tuple[Any, ...]) -> Callable[[Any, str], Any]:
    tagged = _tagged(members)
    plain = [m for m in members if m is not type(None) and m not in tagged.values()]
    optional = type(None) in members

    def read(data: Any, place: str) -> Any:
        if data is None and optional:
            return None
        if tagged and type(data) is dict:
            name = data.get("is")
            kind = tagged.get(name) if isinstance(name, str) else None
            if kind is None:
                raise _refuse(f"{place}.is", "one of " + ", ".join(tagged), name)
            return _reader(kind)({k: v for k, v in data.items() if k != "is"}, place)
        if len(plain) == 1:
            return _reader(plain[0])(data, place)
        raise _refuse(place, 'an object with "is": one of ' + ", ".join(tagged), data)

    return read


def _object_reader(kind: type) -> Callable[[Any, str], Any]:
    hints = typing.get_type_hints(kind)
    fields = {f.name: (_late(hints[f.name], _reader), _default(f)) for f in dataclasses.fields(kind) if f.init}

    def read(data: Any, place: str) -> Any:
        if type(data) is not dict:
            raise _refuse(place, f"an object ({kind.__name__})", data)
        unknown = data.keys() - fields.keys()
        if unknown:
            raise EditRefused(f"{place or kind.__name__}: there is no field {sorted(unknown)[0]!r} in {kind.__name__}")
        values = {}
        for name, (each, default) in fields.items():
            if name in data:
                values[name] = each(data[name], f"{place}.{name}" if place else name)
            elif default is dataclasses.MISSING:
                raise EditRefused(f"{place or kind.__name__}: the field {name!r} of {kind.__name__} is missing")
        return kind(**values)

    return read


def _members(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind)


def _tagged(members: tuple[Any, ...]) -> dict[str, Any]:
    """Return the dataclasses of a union by name; a lone one beside None needs no tag."""
    classes = [m for m in members if dataclasses.is_dataclass(m) and m is not Range]
    if len([m for m in members if m is not type(None)]) == 1:
        return {}
    return {cast(type, m).__name__: m for m in classes}
