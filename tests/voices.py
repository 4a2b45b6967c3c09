"""Sounds like speech whose syllables, pitch and pauses are known, and other sounds, made of numbers alone; 16 kHz."""

from __future__ import annotations

import numpy as np

RATE = 16_000
_VOWELS = ((700, 1220, 2600), (300, 2200, 3000), (400, 900, 2400), (530, 1840, 2500), (320, 800, 2300))


def _resonated(signal, centre, width):
    """Filter by one formant, in the frequency domain."""
    frequencies = np.fft.rfftfreq(signal.size, 1 / RATE)
    shape = 1 / (1 + ((frequencies - centre) / (width / 2)) ** 2)
    return np.fft.irfft(np.fft.rfft(signal) * np.sqrt(shape), signal.size)


def syllable(rng, length_s, pitch_hz, glide=0.9):
    """Return a vowel with a falling (or rising) pitch, perhaps begun by a hiss."""
    count = round(length_s * RATE)
    pitch = pitch_hz * np.linspace(1, glide, count)
    phase = np.cumsum(pitch / RATE)
    pulses = np.diff(np.floor(phase), prepend=0.0) + 0.002 * rng.normal(0, 1, count)
    vowel = sum(_resonated(pulses, centre, 120) for centre in _VOWELS[rng.integers(len(_VOWELS))])
    vowel *= np.hanning(count) ** 0.5
    vowel /= max(1e-9, np.abs(vowel).max())
    if rng.random() < 0.4:
        hiss = rng.normal(0, 1, round(0.05 * RATE))
        hiss = hiss - np.convolve(hiss, np.ones(5) / 5, "same")
        vowel = np.concatenate([0.12 * hiss * np.hanning(hiss.size), vowel])
    return vowel


def utterance(rng, syllables, pitch_hz=120.0, variance=0.08, rate=4.5):
    """Return connected syllables; variance: of the pitch, as a share; rate: syllables per second."""
    parts = []
    for _ in range(syllables):
        pitch = pitch_hz * np.exp(rng.normal(0, variance))
        parts += [syllable(rng, 0.72 / rate, pitch, np.exp(rng.normal(-variance / 2, variance / 2)))]
        parts.append(np.zeros(max(1, round(0.28 / rate * RATE) - (parts[-1].size - round(0.72 / rate * RATE)))))
    return np.concatenate(parts)


def talk(seed, phrases=12, pauses=(0.4, 1.6)):
    """Return sound, and the pauses (start, stop) in seconds that are at least 0.3 s, the one before it among them."""
    rng = np.random.default_rng((5, seed))
    parts, times, at = [np.zeros(RATE // 2)], [(0.0, 0.5)], RATE // 2
    for number in range(phrases):
        said = 0.3 * rng.uniform(0.5, 1) * utterance(rng, int(rng.integers(4, 12)), pitch_hz=rng.uniform(90, 220))
        last = np.flatnonzero(np.abs(said) > 0.01)[-1]
        said = said[: last + 1]
        parts.append(said)
        at += said.size
        short = rng.random() < 0.3 and number < phrases - 1
        gap = round((rng.uniform(0.05, 0.15) if short else rng.uniform(*pauses)) * RATE)
        if not short:
            times.append((at / RATE, (at + gap) / RATE))
        parts.append(np.zeros(gap))
        at += gap
    return np.concatenate(parts), times


def pink(count, seed=0):
    """Return noise with equal power in each octave, deviation 1."""
    rng = np.random.default_rng((6, seed))
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(spectrum.size), 1)), count)
    return noise / noise.std()


def with_noise(sound, ratio_db, seed=0):
    """Return the sound with pink noise `ratio_db` below the power of where it sounds."""
    heard = np.abs(sound) > 1e-3
    power = np.sqrt((sound[heard] ** 2).mean())
    return sound + pink(sound.size, seed) * power * 10 ** (-ratio_db / 20)


def music(seconds, seed=0, bpm=120.0):
    """Return chords of steady tones, changed with every beat, and a drum on each."""
    rng = np.random.default_rng((8, seed))
    beat = round(60 / bpm * RATE)
    count = round(seconds * RATE)
    result = np.zeros(count)
    for start in range(0, count, 2 * beat):
        length = min(2 * beat, count - start)
        t = np.arange(length) / RATE
        root = 220 * 2 ** (rng.integers(-5, 7) / 12)
        for ratio in (1, 1.25, 1.5, 2):
            result[start : start + length] += 0.05 * np.sin(2 * np.pi * root * ratio * t) * np.exp(-0.4 * t)
    for start in range(0, count, beat):
        length = min(1600, count - start)
        result[start : start + length] += 0.25 * rng.normal(0, 1, length) * np.exp(-np.arange(length) / 250)
    return result
