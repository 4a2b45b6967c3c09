"""Numbers and times as the person reads them."""

from __future__ import annotations

from fractions import Fraction


def bytes_text(count: float) -> str:
    """Return a size such as "58.9 MB" (powers of 1000, as file managers say it)."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.95 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def seconds_text(seconds: float) -> str:
    """Return a duration such as "7 s", "1 min 50 s" or "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s" if seconds >= 9.95 or whole == round(seconds, 1) else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def seconds_left(seconds: float | None) -> str:
    """Return what remains of a task, in words."""
    return "" if seconds is None else f"{seconds_text(max(1, round(seconds)))} left"


def share_text(part: int, whole: int) -> str:
    """Return a share as a percentage that says "all" and "nothing" only where it is so."""
    share = part / whole if whole else 0.0
    if 0.99 < share < 1:
        return f"{min(share, 0.999):.1%}"
    return "under 1%" if 0 < share < 0.01 else f"{share:.0%}"


def frames_text(count: int) -> str:
    """Return a number of frames."""
    return f"{count:,} frame{'s' if count != 1 else ''}"


def usd(amount: float) -> str:
    """Return an amount in dollars: three decimals below one dollar's cents, two else."""
    cents = round(amount * 100, 6)
    return f"${amount:.2f}" if abs(cents - round(cents)) < 1e-6 else f"${amount:.3f}"


def timecode(frame: int, rate: Fraction) -> str:
    """Return the timecode of a frame, hh:mm:ss:ff; at 29.97 and 59.94 frames/s drop-frame, with ";" before the frames.

    Drop-frame skips the first 2 (4) numbers of each minute that is no multiple of ten (SMPTE ST 12-1, 5.2.2).
    """
    base = max(1, round(rate))
    drops = rate != base and base % 30 == 0
    if drops:
        each = 2 * base // 30
        per_minute = 60 * base - each
        per_ten = 10 * per_minute + each
        tens, rest = divmod(frame, per_ten)
        minutes = 0 if rest < 60 * base else 1 + (rest - 60 * base) // per_minute
        frame += each * (9 * tens + minutes)
    seconds, frames = divmod(frame, base)
    sign = ";" if drops else ":"
    digits = len(str(base - 1))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{sign}{frames:0{max(2, digits)}d}"


def sentence(text: str) -> str:
    """Return words as a sentence: with a capital, unless it begins with a file's name, and a full stop."""
    if not text:
        return ""
    first = text.split(maxsplit=1)[0]
    begun = text[:1].upper() + text[1:] if first.rstrip(",;:").isalpha() else text
    return f"{begun.rstrip('.')}."
