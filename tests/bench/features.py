"""The feature index beside its yardsticks: PySceneDetect, and FFmpeg's scdet, silencedetect and ebur128.

`python -m tests.bench features [cuts] [speed] [pauses] [loudness] [energy] [calls] [media]`; all of them where none is
named. Sentences are spoken by espeak-ng where it is installed, else they are made of numbers (tests.voices).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from engine.control import CancelToken, Progress
from engine.features.analyse import AnalysedFilm, analyse
from engine.features.calls import ScreenFacts, call_windows
from engine.features.cuts import TransitionKind, transitions
from engine.features.energy import STEP_S, energy
from engine.features.loudness import integrated, momentary
from engine.features.phrases import call_phrases
from engine.features.speech import speech_of_sound
from engine.features.speech_scores import SpeechDetector, SpeechScorer, usual_detector
from engine.model.time import Range
from tests.call_scripts import alone, held_out_scripts, judged, later_scripts, more_scripts, scripts
from tests.films import indexed
from tests.held_out_calls import HELD_OUT_CALLS, HELD_OUT_PLAIN
from tests.judged_calls import JUDGED_CALLS, JUDGED_PLAIN
from tests.measured import measured_film, measured_sound
from tests.shots import Shot, film, mixed_plan
from tests.voices import RATE, music, talk, utterance, with_noise

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
SEEDS = range(200, 212)


class Nothing:
    """A cache that keeps nothing."""

    def get(self, kind, key):
        return None

    def put(self, kind, key, data):
        pass


def main(arguments):
    parts = {
        "cuts": cuts, "speed": speed, "pauses": pauses, "loudness": loudness, "energy": energies, "calls": calls,
        "media": real_films,
    }  # fmt: skip
    wanted = arguments or list(parts)
    if not set(wanted) <= set(parts):
        print("parts: " + " ".join(parts))
        return 2
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            print(f"\n--- {name} " + "-" * (100 - len(name)), flush=True)
            parts[name](Path(folder))
    return 0


def measured(path):
    info, index = indexed(path)
    found = AnalysedFilm(path, info, index, "bench")
    return analyse(found, Nothing(), Progress(), CancelToken()).measures, float(info.video.rate)


# --- changes of shots ------------------------------------------------------------------------------------------------


def written(path, frames, width, height, rate=25, options=None):
    options = {"preset": "veryfast", "crf": "23", "g": "250"} | (options or {})
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        number = 0
        while True:
            try:
                planes = next(frames)
            except StopIteration as end:
                out.mux(stream.encode(None))
                return end.value
            frame = VideoFrame(width, height, "yuv444p")
            for plane, values in zip(frame.planes, np.moveaxis(planes, 2, 0), strict=True):
                plane.update(np.pad(values, ((0, 0), (0, plane.line_size - width))).tobytes())
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            out.mux(stream.encode(frame))
            number += 1


def cuts(folder):
    """Cuts, dissolves and fades of coded films with flashes and fast pans; within a frame, or overlapping."""
    ours, theirs, scdet = Tally(), Tally(), Tally()
    for seed in SEEDS:
        path = folder / f"{seed}.mp4"
        truth = written(path, film(mixed_plan(seed, 12), seed=seed), 320, 180)
        measures, rate = measured(path)
        found = transitions(measures.picture, rate)
        ours.add(truth, [item.frames.start for item in found if item.kind is TransitionKind.CUT], found)
        theirs.add(truth, scenedetect_cuts(path), ())
        scdet.add(truth, scdet_cuts(path, rate), ())
        path.unlink()
    print(f"{'':24s} hard F1   hard P   hard R  on flashes  dissolve F1   fade F1")
    print(ours.line("Deltacut"))
    print(theirs.line("scenedetect adaptive") + "   (finds no dissolves or fades as such)")
    print(scdet.line("FFmpeg scdet"))


class Tally:
    """Counts hits of all films together."""

    def __init__(self):
        self.right = self.found = self.true = self.flashes = 0
        self.gradual = {kind: [0, 0, 0] for kind in ("dissolve", "fade")}

    def add(self, truth, at, changes):
        near = [any(abs(cut - wanted) <= 1 for wanted in truth.cuts) for cut in at]
        self.right += sum(any(abs(cut - wanted) <= 1 for cut in at) for wanted in truth.cuts)
        # What is found inside a dissolve or a fade is another way to tell of it, and counts neither way.
        inside = [any(a - 2 <= cut <= b + 2 for a, b in (*truth.dissolves, *truth.fades)) for cut in at]
        self.found += sum(hit or not within for hit, within in zip(near, inside, strict=True))
        self.true += len(truth.cuts)
        self.flashes += sum(
            not hit and any(-1 <= cut - flash <= 8 for flash in truth.flashes)
            for cut, hit in zip(at, near, strict=True)
        )
        for name, spans in (("dissolve", truth.dissolves), ("fade", truth.fades)):
            named = [item.frames for item in changes if name in item.kind.value]
            counts = self.gradual[name]
            counts[0] += sum(any(same(frames, span) for frames in named) for span in spans)
            counts[1] += len(named)
            counts[2] += len(spans)

    def line(self, label):
        def f1(right, found, true):
            return 2 * right / max(1, found + true)

        gradual = "".join(f"{f1(*counts):12.3f}" for counts in self.gradual.values())
        return (
            f"{label:24s}{f1(self.right, self.found, self.true):8.3f} {self.right / max(1, self.found):8.3f}"
            f" {self.right / max(1, self.true):8.3f} {self.flashes:11d}{gradual}"
        )


def same(frames: Range, span):
    start, stop = span
    middle = abs((frames.start + frames.stop) / 2 - (start + stop) / 2)
    return frames.start < stop and start < frames.stop and middle <= max(4, (stop - start) / 2)


def scenedetect_cuts(path):
    from scenedetect import AdaptiveDetector, detect

    scenes = detect(str(path), AdaptiveDetector())
    return [start.frame_num for start, _ in scenes[1:]]


def scdet_cuts(path, rate):
    found = []
    with av.open(str(path)) as container:
        graph = av.filter.Graph()
        source = graph.add_buffer(template=container.streams.video[0])
        graph.link_nodes(source, graph.add("scdet", "t=10"), graph.add("buffersink")).configure()
        for frame in container.decode(video=0):
            graph.vpush(frame)
            out = graph.vpull()
            if "lavfi.scd.time" in out.metadata:
                found.append(round(float(out.metadata["lavfi.scd.time"]) * rate))
    return found


def speed(folder):
    """Frames a second from 1080p H.264, beside decoding alone with as many threads, and beside PySceneDetect."""
    path = folder / "big.mp4"
    plan = [{"shot": Shot(n, 1920, 1080, speed=(3.0, 0.0), walker=True), "frames": 50} for n in range(6)]
    written(path, film(plan, 1920, 1080), 1920, 1080, options={"g": "50", "preset": "fast"})
    info, index = indexed(path)
    best = {}
    for _ in range(3):
        for label, threads in (("decoding alone", 4), ("decoding, one thread", 1)):
            begun, cpu = time.perf_counter(), time.process_time()
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                stream.thread_type, stream.codec_context.thread_count = "AUTO", threads
                count = sum(1 for _ in container.decode(stream))
            note(best, label, count, begun, cpu)
        begun, cpu = time.perf_counter(), time.process_time()
        analyse(AnalysedFilm(path, info, index, "bench"), Nothing(), Progress(), CancelToken(), usual_detector())
        note(best, "Deltacut", count, begun, cpu)
    begun, cpu = time.perf_counter(), time.process_time()
    scenedetect_cuts(path)
    note(best, "scenedetect adaptive", count, begun, cpu)
    print(f"1920x1080 H.264, {count} frames, {path.stat().st_size * 8 * 25 / count / 1e6:.1f} Mbit/s, best of 3")
    for label, (seconds, cpu_s) in best.items():
        ratio = seconds / best["decoding alone"][0]
        cost = 1000 * cpu_s / count
        print(f"  {label:22s} {count / seconds:7.0f} frames/s {cost:7.2f} ms of CPU a frame, {ratio:5.2f} x")


def note(best, label, count, begun, cpu):
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    if label not in best or seconds < best[label][0]:
        best[label] = seconds, cpu_s


# --- sound -----------------------------------------------------------------------------------------------------------

SENTENCES = """the first thing that you will notice is how quiet the street has become|people who lived here for years
tell us that nothing has changed|and then they point at the empty shops|it takes about ten minutes
to walk from one end to the other|we asked the mayor what she thinks|she laughed
of course we have a plan|but plans cost money and nobody has any
next spring the old cinema will open again|children are painting the walls
my brother fixed the roof with his own hands|it is a beginning
seventeen buses stop here every day|six of them are red"""


def spoken(seed, phrases=25):
    """Return sound at 16 kHz and its pauses, spoken by espeak-ng, or made where it is not there."""
    if shutil.which("espeak-ng") is None:
        return talk(seed, phrases)
    rng = np.random.default_rng(seed)
    texts = [line for part in SENTENCES.split("\n") for line in part.split("|")]
    voice = [
        "-v",
        str(rng.choice(["en", "en-us", "de", "fr", "es", "en+f3", "en+m3"])),
        "-s",
        str(rng.integers(130, 200)),
    ]
    parts, times, at = [np.zeros(RATE // 2)], [(0.0, 0.5)], RATE // 2
    for number in range(phrases):
        said = 0.4 * said_by_espeak(texts[rng.integers(len(texts))], voice) * rng.uniform(0.5, 1)
        at += said.size
        long = number == phrases - 1 or rng.random() < 0.55
        gap = round((rng.uniform(0.36, 2.2) if long else rng.uniform(0.05, 0.2)) * RATE)
        if long:
            times.append((at / RATE, (at + gap) / RATE))
        parts += [said, np.zeros(gap)]
        at += gap
    return np.concatenate(parts), times


def said_by_espeak(text, voice):
    raw = subprocess.run(["espeak-ng", *voice, "--stdout", text], capture_output=True, check=True).stdout
    start = raw.find(b"data") + 8
    sound = np.frombuffer(raw[start : len(raw) - (len(raw) - start) % 2], np.int16).astype(np.float64) / 32768
    count = int(sound.size * RATE / 22050)
    sound = np.interp(np.arange(count) * 22050 / RATE, np.arange(sound.size), sound)
    level = np.convolve(np.abs(sound), np.ones(160) / 160, "same")
    heard = np.flatnonzero(level > 0.01 * level.max() + 1e-4)
    return sound[heard[0] : heard[-1] + 1]


def pauses(folder):
    """F1 of pauses of 0.3 s and more, both ends within 150 ms; and what the neural detector costs."""
    has_network = usual_detector() is SpeechDetector.NEURAL
    print(
        "spoken by "
        + ("espeak-ng" if shutil.which("espeak-ng") else "numbers")
        + f"{'':18s} F1 classic   F1 neural   F1 silencedetect"
    )
    cost_s = heard_s = 0.0
    for label, change in (
        ("clean", lambda sound, seed: sound),
        ("pink noise at 20 dB", lambda sound, seed: with_noise(sound, 20, seed)),
        ("pink noise at 10 dB", lambda sound, seed: with_noise(sound, 10, seed)),
        ("white noise at 10 dB", white),
        ("over music at 10 dB", lambda sound, seed: over_music(sound, 10, seed)),
        ("over music at 0 dB", lambda sound, seed: over_music(sound, 0, seed)),
        ("other sounds in the pauses", knocked),
    ):
        counted = {name: [0, 0, 0] for name in ("classic", "neural", "silencedetect")}
        for seed in range(20, 28):
            sound, truth = spoken(seed)
            sound = knocked(sound, seed, truth) if change is knocked else change(sound, seed)
            classic = measured_sound(sound)
            found = {"classic": pause_pairs(classic), "silencedetect": silencedetect(sound)}
            if has_network:
                begun = time.process_time()
                found["neural"] = pause_pairs(replace(classic, speech_scores=scored(sound)))
                cost_s, heard_s = cost_s + time.process_time() - begun, heard_s + sound.size / RATE
            for name, pairs in found.items():
                counts = counted[name]
                counts[0] += sum(any(abs(a - c) <= 0.15 and abs(b - d) <= 0.15 for c, d in pairs) for a, b in truth)
                counts[1] += len(pairs)
                counts[2] += len(truth)
        print(f"{label:28s}" + "".join(f"{2 * c[0] / max(1, c[1] + c[2]):12.3f}" for c in counted.values()))
    if has_network:
        print(f"the neural detector takes {1000 * cost_s / heard_s:.1f} ms of CPU for a second of sound")
    else:
        print("the neural detector is not installed")


def pause_pairs(sound):
    return [(pause.start_s, pause.stop_s) for pause in speech_of_sound(sound).pauses]


def scored(sound):
    scorer = SpeechScorer()
    scorer.take(np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16))
    return scorer.result()


def over_music(sound, ratio_db, seed):
    """Return the sound with music `ratio_db` below the power of where it sounds."""
    under = music(sound.size / RATE, seed)[: sound.size]
    voice = np.sqrt((sound[np.abs(sound) > 1e-3] ** 2).mean())
    return sound + under * voice / np.sqrt((under**2).mean()) * 10 ** (-ratio_db / 20)


def knocked(sound, seed, truth):
    """Return the sound with knocks, hisses and hums as loud as the voice in the longer pauses."""
    rng, noisy = np.random.default_rng((77, seed)), sound.copy()
    power = np.sqrt((sound[np.abs(sound) > 1e-3] ** 2).mean())
    for start, stop in truth:
        count = round(rng.uniform(0.15, 0.4) * RATE)
        if stop - start < 0.3 + count / RATE:
            continue
        at = round(rng.uniform(start + 0.1, stop - 0.1 - count / RATE) * RATE)
        noise = rng.normal(0, 1, count)
        hum = np.sin(2 * np.pi * rng.uniform(150, 900) * np.arange(count) / RATE) + 0.3 * noise
        kinds = (noise, 2 * np.convolve(noise, np.ones(12) / 12, "same"), hum)
        noisy[at : at + count] += kinds[rng.integers(3)] * np.hanning(count) * power * rng.uniform(0.7, 1.6)
    return noisy


def white(sound, seed):
    power = np.sqrt((sound[np.abs(sound) > 1e-3] ** 2).mean())
    return sound + np.random.default_rng(seed).normal(0, 1, sound.size) * power * 10**-0.5


def filtered(sound, name, arguments, channels=1):
    """Yield the metadata of every frame behind one of FFmpeg's filters; sound: float [n] at 16 kHz."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="s16", layout="mono", time_base=Fraction(1, RATE))
    graph.link_nodes(source, graph.add(name, arguments), graph.add("abuffersink")).configure()
    samples = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    for first in range(0, samples.size, 1600):
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None, first : first + 1600]), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
        graph.push(frame)
        while True:
            try:
                yield graph.pull().metadata
            except (av.error.BlockingIOError, av.error.EOFError):
                break


def silencedetect(sound):
    found, begun = [], None
    for facts in filtered(sound, "silencedetect", "noise=-35dB:duration=0.3"):
        if "lavfi.silence_start" in facts:
            begun = float(facts["lavfi.silence_start"])
        if "lavfi.silence_end" in facts and begun is not None:
            found.append((begun, float(facts["lavfi.silence_end"])))
            begun = None
    return [*found, (begun, sound.size / RATE)] if begun is not None else found


def loudness(folder):
    """Integrated and momentary loudness beside FFmpeg's ebur128, in LU."""
    worst = worst_whole = 0.0
    for seed in range(4):
        sound = with_noise(talk(seed)[0], 25, seed)
        powers = measured_sound(sound).loudness
        facts = list(filtered(sound, "ebur128", "metadata=1"))
        theirs = np.array([float(item["lavfi.r128.M"]) for item in facts if "lavfi.r128.M" in item])
        ours = momentary(powers)[: theirs.size]
        loud = theirs > -60
        worst = max(worst, float(np.median(np.abs(ours - theirs[: ours.size])[loud[: ours.size]])))
        whole = [float(item["lavfi.r128.I"]) for item in facts if "lavfi.r128.I" in item][-1]
        worst_whole = max(worst_whole, abs(integrated(powers) - whole))
    print(f"momentary: median difference {worst:.2f} LU, integrated: {worst_whole:.2f} LU at most")
    for name in ("talking_head_480.mp4", "bbb_720p24_120s_aac_fmp4.mp4", "timecode_cards_with_silences_720p.mp4"):
        if (MEDIA / name).exists():
            measures, _ = measured(MEDIA / name)
            print(f"  {name:45s} {integrated(measures.sound.loudness):7.2f} LUFS, ebur128 {ebur128(MEDIA / name):7.1f}")


def ebur128(path):
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        graph = av.filter.Graph()
        graph.link_nodes(
            graph.add_abuffer(template=stream), graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
        ).configure()
        last = float("nan")
        for frame in container.decode(stream):
            graph.push(frame)
            while True:
                try:
                    facts = graph.pull().metadata
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
                last = float(facts.get("lavfi.r128.I", last))
        return last


# --- energy ----------------------------------------------------------------------------------------------------------


def ranks(values):
    return np.argsort(np.argsort(values)).astype(float)


def spearman(one, other):
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def energies(folder):
    """Rank correlation of each part with the control that the film was made by, over parts of 12 s."""
    controls = np.random.default_rng(9).permutation(10) / 9
    seconds, rng = 12, np.random.default_rng(10)
    for name, sound_of in (
        ("loudness", lambda c: 0.03 * 10**c * utterance(rng, 60)),
        ("pitch variance", lambda c: 0.3 * utterance(rng, 60, variance=0.02 + 0.2 * c)),
        ("syllable rate", lambda c: 0.3 * utterance(rng, 90, rate=2.5 + 3.5 * c)),
    ):
        sound = np.concatenate([sound_of(c)[: seconds * RATE] for c in controls])
        picture, _ = measured_film([{"shot": Shot(1, 160, 90), "frames": 2}], width=160, height=90)
        times = np.array([0.0, 1.0, sound.size / RATE])
        report(name, energy(picture, times, measured_sound(sound), ()), controls, seconds)
    width, height, rate = 160, 90, 10
    moving = [{"shot": Shot(1, width, height, speed=(0.5 + 14 * c, 0.0)), "frames": seconds * rate} for c in controls]
    cutting = []
    for number, c in enumerate(controls):
        count = 1 + round(8 * c)
        edges = np.linspace(0, seconds * rate, count + 1).round().astype(int)
        cutting += [
            {"shot": Shot(50 * number + k, width, height), "frames": int(b - a)}
            for k, (a, b) in enumerate(pairwise(edges))
        ]
    for name, plan in (("motion", moving), ("cut rate", cutting)):
        picture, _ = measured_film(plan, width=width, height=height)
        found = energy(picture, np.arange(picture.count + 1) / rate, None, transitions(picture, rate))
        report(name, found, controls, seconds)


def report(name, found, controls, seconds):
    part = found.scores[name]
    each = round(seconds / STEP_S)
    means = [float(part[n * each : (n + 1) * each].mean()) for n in range(len(controls))]
    print(f"  {name:16s} rank correlation {spearman(means, controls):6.3f}")


# --- calls to action -------------------------------------------------------------------------------------------------


def calls(folder):
    """Recall and precision on the labelled scripts, and on English ones that the list was not made for."""
    phrases = call_phrases()
    for label, films in (
        ("labelled, 7 languages", scripts(range(12))),
        ("labelled, more English", more_scripts(range(30))),
        ("later English", later_scripts(range(30))),
        ("held out, 7 languages", held_out_scripts(range(12))),
    ):
        totals = [0] * 4
        for item in films:
            screen = ScreenFacts(0.0, item.duration_s)
            found = call_windows(item.words, item.language, phrases, screen)
            totals = [a + b for a, b in zip(totals, judged(found, item.calls), strict=True)]
        print(
            f"  {label:24s} recall {totals[0] / totals[1]:.3f}  precision {totals[2] / max(1, totals[3]):.3f}"
            f"  of {totals[1]}"
        )
    for label, asked, plain in (
        ("alone: seen before", JUDGED_CALLS, JUDGED_PLAIN),
        ("alone: held out", HELD_OUT_CALLS, HELD_OUT_PLAIN),
    ):
        counts = []
        for sentences in (asked, plain):
            verdicts = [
                bool(call_windows(alone(text), language, phrases, ScreenFacts(0.0, 3600.0)))
                for language, texts in sentences.items()
                for text in texts
            ]
            counts += [sum(verdicts), len(verdicts)]
        right, calls_made, wrong, told = counts
        print(
            f"  {label:24s} recall {right / calls_made:.3f}  precision {right / max(1, right + wrong):.3f}"
            f"  of {calls_made} and {told} that ask for nothing"
        )


def real_films(folder):
    """What is found in the real films, beside PySceneDetect's cuts."""
    for name in (
        "scenecuts_bikes.mp4",
        "aspect_sar16x11.mp4",
        "testvideo_720p2997.mp4",
        "bbb_720p24_120s_aac_fmp4.mp4",
    ):
        if not (MEDIA / name).exists():
            continue
        measures, rate = measured(MEDIA / name)
        found = transitions(measures.picture, rate)
        hard = [item.frames.start for item in found if item.kind is TransitionKind.CUT]
        other = [
            (item.kind.value, item.frames.start, item.frames.stop)
            for item in found
            if item.kind is not TransitionKind.CUT
        ]
        print(f"{name}\n  Deltacut    {hard}\n  scenedetect {scenedetect_cuts(MEDIA / name)}\n  gradual     {other}")
