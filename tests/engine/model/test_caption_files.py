"""Caption files go in and out unchanged, and broken ones are met with a word about what is wrong."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CaptionError, EditRefused
from engine.model import edits as e
from engine.model.caption_cues import captions_from_cues, cues_of, file_of
from engine.model.caption_files import (
    Block,
    CaptionFile,
    CaptionFormat,
    Cue,
    is_time_line,
    read_captions,
    write_captions,
)
from engine.model.captions import Caption
from engine.model.place import AtSource, AtTimeline
from engine.model.storyline import Gap
from engine.model.time import Range
from tests.projects import edited_projects, one_source_project, storyline_edits

SRT = """1
00:00:01,000 --> 00:00:02,500
Hello <i>there</i> & welcome

2
00:00:03,004 --> 100:00:04,000 X1:10 X2:20
Two
lines --> here

3
00:00:05,000 --> 00:00:06,000
42
"""

VTT = """WEBVTT - a title
Kind: captions

STYLE
::cue { color: papayawhip }

NOTE what follows is said

intro
00:00:01.000 --> 00:00:02.500 align:start position:10%
<v Ann>Hello &amp; welcome</v>
<00:00:01.500>a &lt; b

00:00:03.000 --> 00:00:04.000
--&gt; that way
"""


def test_canonical_files_come_out_as_they_went_in():
    for text in (SRT, VTT):
        assert write_captions(read_captions(text.encode(), "file")) == text


def test_what_the_files_say_is_read():
    srt = read_captions(SRT.encode(), "a.srt")
    assert srt.format is CaptionFormat.SRT
    assert srt.warnings == ()
    assert srt.cues == (
        Cue(1000, 2500, "Hello <i>there</i> & welcome"),
        Cue(3004, 360004000, "Two\nlines --> here", settings="X1:10 X2:20"),
        Cue(5000, 6000, "42"),
    )
    vtt = read_captions(VTT.encode(), "a.vtt")
    assert vtt.title == "- a title\nKind: captions"
    assert vtt.parts[0] == Block("STYLE\n::cue { color: papayawhip }")
    assert vtt.cues == (
        Cue(1000, 2500, "<v Ann>Hello & welcome</v>\n<00:00:01.500>a < b", "intro", "align:start position:10%"),
        Cue(3000, 4000, "--> that way"),
    )


LINES = st.text(
    st.one_of(st.sampled_from("<>&;- ib/v12:,."), st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
    min_size=1,
    max_size=12,
).filter(lambda line: line.strip() and not is_time_line(line))
ENTITIES = st.sampled_from(["&amp;", "&lt;b&gt;", "-->", "<i>x</i>", "<v Bob>", "<3", "NOTE", "1", "WEBVTT", "a --> b"])
TEXTS = st.lists(st.one_of(LINES, ENTITIES), min_size=1, max_size=3).map("\n".join)
NAMES = st.one_of(st.just(""), LINES.filter(lambda line: "-->" not in line))
SETTINGS = st.one_of(st.just(""), st.sampled_from(["align:start", "X1:1 X2:2", "line:0 -->"]))


@st.composite
def cues(draw, format):
    start = draw(st.integers(0, 10**8))
    name = draw(NAMES) if format is CaptionFormat.VTT else ""
    return Cue(start, start + draw(st.integers(1, 10**6)), draw(TEXTS), name, draw(SETTINGS))


@st.composite
def files(draw):
    format = draw(st.sampled_from(CaptionFormat))
    return CaptionFile(format, tuple(draw(st.lists(cues(format), min_size=1, max_size=5))))


@given(files())
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_reads_back_the_same(file):
    text = write_captions(file)
    assert read_captions(text.encode(), "file") == file
    assert write_captions(read_captions(text.encode(), "file")) == text


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("text", [SRT, VTT])
def test_encodings_and_line_ends_do_not_matter(text, encoding, ending):
    text = text.replace("Hello", "Grüß Gott")
    data = text.replace("\n", ending).encode(encoding)
    assert read_captions(data, "file") == read_captions(text.encode(), "file")


def test_an_encoding_that_cannot_be_told_is_asked_for():
    data = SRT.replace("Hello", "Привет").encode("koi8-r")
    assert read_captions(data, "f", "koi8-r").cues[0].text.startswith("Привет")
    with pytest.raises(CaptionError, match="cannot be read as UTF-8"):
        read_captions(b"1\n00:00:01,000 --> 00:00:02,000\n\x81\x8d\n", "odd.srt")
    with pytest.raises(CaptionError, match=r"odd\.srt cannot be read as NO-SUCH"):
        read_captions(SRT.encode(), "odd.srt", "no-such")


ODD = {
    "no numbers": ("00:00:01,000 --> 00:00:02,000\na\n\n00:00:03,000 --> 00:00:04,000\nb\n", ["a", "b"]),
    "no blank lines": ("1\n00:00:01,000 --> 00:00:02,000\na\n2\n00:00:03,000 --> 00:00:04,000\nb", ["a", "b"]),
    "many blank lines": ("\n\n1\n\n00:00:01,000 --> 00:00:02,000\n\n\na\n\n\n\n", ["a"]),
    "points for commas": ("1\n00:00:01.000 --> 00:00:02.5\na\n", ["a"]),
    "no hours": ("1\n00:01,000 --> 00:02,000\na\n", ["a"]),
    "spaces": ("  1  \n  00:00:01,000  -->  00:00:02,000  \na \n", ["a "]),
    "no spaces": ("1\n00:00:01,000-->00:00:02,000\na\n", ["a"]),
    "a blank line inside": (
        "1\n00:00:01,000 --> 00:00:02,000\na\n\nb\n\n2\n00:00:03,000 --> 00:00:04,000\nc",
        ["a\nb", "c"],
    ),
    "a number as text": ("1\n00:00:01,000 --> 00:00:02,000\n7\n\n2\n00:00:03,000 --> 00:00:04,000\n8\n", ["7", "8"]),
}


@pytest.mark.parametrize(("text", "expected"), ODD.values(), ids=ODD.keys())
def test_odd_files_are_read_as_they_are_meant(text, expected):
    file = read_captions(text.encode(), "odd.srt")
    assert [cue.text for cue in file.cues] == expected
    assert file.warnings == ()


def test_broken_cues_are_passed_over_with_a_word():
    text = (
        "1\n00:00:05,000 --> 00:00:02,000\nbackwards\n\n2\n00:00:xx,000 --> 00:00:02,000\nno time\n\n"
        "3\n00:00:01,000 --> 00:00:02,000\n\n4\n00:00:01,000 --> 00:00:02,000\ngood\n"
    )
    file = read_captions(text.encode(), "broken.srt")
    assert [cue.text for cue in file.cues] == ["good"]
    assert file.warnings == ("the cue in line 2 ends before it begins", "the cue in line 10 has no text")
    vtt = "WEBVTT\n\nstray\n\n00:01.000 --> 00:02\nok\n\nname\n00:02.000 -->\nno stop\n"
    file = read_captions(vtt.encode(), "broken.vtt")
    assert [cue.text for cue in file.cues] == ["ok"]
    assert file.warnings == (
        "line 3 belongs to no cue: 'stray'",
        "the cue in line 9 has no valid time: '00:02.000 -->'",
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"   \n", b"just some text", b"WEBVTT", b"WEBVTT\n\n", b"\0\1\2binary", b"\xff\xfe", b"1\n2\n3\n", b"-->"],
)
def test_files_without_captions_are_refused_by_name(data):
    with pytest.raises(CaptionError, match=r"film\.srt"):
        read_captions(data, "film.srt")


@given(st.randoms(use_true_random=False), st.sampled_from([SRT, VTT]), st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_mutated_files_are_read_or_refused_and_nothing_else(rng, text, hits):
    data = mutated(text.encode(), rng, hits)
    try:
        file = read_captions(data, "f")
    except CaptionError:
        return
    assert read_captions(write_captions(file).encode(), "f").cues == file.cues


def mutated(data: bytes, rng: random.Random, hits: int) -> bytes:
    result = bytearray(data)
    for _ in range(hits):
        at = rng.randrange(len(result) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(result):
            result[at] = rng.randrange(256)
        elif kind == 1:
            del result[at : at + rng.randrange(20)]
        elif kind == 2:
            result[at:at] = result[at : at + 30]
        else:
            result[at:at] = bytes([rng.choice(b"\n\r\t<>&-:,.0123 \xff\0")])
    return bytes(result)


# --- in a project ----------------------------------------------------------------------------------------------------


def imported(text):
    project = one_source_project(300)
    names = iter(f"c{n}" for n in range(99))
    captions = captions_from_cues(project, read_captions(text.encode(), "f"), lambda: next(names))
    return e.AddItems("captions", captions).apply(project)


def test_a_file_goes_through_a_project_unchanged():
    text = SRT.replace("100:00:04", "00:00:04")
    project = imported(text)
    assert all(isinstance(c.place, AtSource) for c in project.layer("captions").items)
    assert write_captions(file_of(project, project.layer("captions"), CaptionFormat.SRT)) == text
    assert write_captions(file_of(project, project.layer("captions"), CaptionFormat.VTT)).startswith("WEBVTT\n\n00:00")


def test_captions_follow_what_is_said_through_a_cut():
    project = e.ExtractRange(Range(75, 105)).apply(imported(SRT.replace("100:00:04", "00:00:04")))
    cues = cues_of(project, project.layer("captions"))
    assert [(c.start_ms, c.stop_ms) for c in cues] == [(1000, 2500), (2500, 3000), (4000, 5000)]


def test_a_caption_over_a_gap_or_beyond_the_end_stands_on_the_timeline():
    project = e.AppendClip(Gap("g", 30)).apply(one_source_project(30))
    file = CaptionFile(CaptionFormat.SRT, (Cue(500, 1500, "a"), Cue(1200, 1300, "b"), Cue(5000, 6000, "c")))
    names = iter("xyz")
    places = [c.place for c in captions_from_cues(project, file, lambda: next(names))]
    assert places == [AtTimeline(Fraction(c.start_ms, 1000), Fraction(c.stop_ms, 1000)) for c in file.cues]


@given(
    edited_projects(most=5, kinds=storyline_edits),
    st.lists(st.tuples(st.integers(0, 1999), st.integers(1, 900)), max_size=4),
)
@settings(max_examples=100, deadline=None)
def test_what_is_imported_for_a_timeline_is_exported_the_same(project, times):
    end_ms = int(sum(len(i) for i in project.storyline) / project.canvas.rate * 1000)
    cues = sorted((a, min(a + b, end_ms)) for a, b in times if a < end_ms - 1)
    file = CaptionFile(CaptionFormat.SRT, tuple(Cue(a, b, f"n{i}") for i, (a, b) in enumerate(cues) if b > a))
    names = iter(f"cap{n}" for n in range(99))
    captions = captions_from_cues(project, file, lambda: next(names))
    after = e.AddItems("captions", captions).apply(project) if captions else project
    out = cues_of(after, after.layer("captions"))
    # A source that shows twice says its captions twice; what was put in is there, whatever else is.
    assert set(file.cues) <= set(out) or any(isinstance(c.place, AtSource) for c in captions)
    for cue, caption in zip(file.cues, captions, strict=True):
        assert any(o.text == cue.text and o.start_ms == cue.start_ms for o in out), (cue, caption)


@pytest.mark.parametrize("text", ["", "  ", "a\n\nb", "a\r\nb", "00:00:01,000 --> 00:00:02,000", "a\0b"])
def test_text_that_no_file_could_hold_is_refused(text):
    with pytest.raises(EditRefused):
        Caption("c", AtTimeline(Fraction(0), Fraction(1)), text)
