"""What is said in the film, as text to go by, to cut and to caption."""

from app.ui.transcript.panel import TranscriptPanel

__all__ = ["TranscriptPanel"]
