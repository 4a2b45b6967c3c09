"""What an export with a preset did, as JSON types and as lines for a person."""

from __future__ import annotations

from typing import Any

from engine.render.preset_export import PresetReport


def preset_facts(report: PresetReport) -> dict[str, Any]:
    """Return it as JSON types."""
    return {
        "preset": report.preset,
        "output": str(report.output),
        "frames": report.frames,
        "sound": report.sound,
        "bytes": report.size_bytes,
        "seconds": round(report.seconds, 3),
        "notes": list(report.notes),
    }


def preset_text(report: PresetReport) -> str:
    """Return it as lines for a person."""
    pictures = f"{report.frames:,} frames encoded, " if report.frames else ""
    lines = [f"{report.output}: {pictures}{report.size_bytes / 1e6:,.2f} MB in {report.seconds:.1f} s"]
    if report.sound:
        lines.append(f"  sound: {report.sound}")
    return "\n".join([*lines, *(f"  note: {note}" for note in report.notes)])
