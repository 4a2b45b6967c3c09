"""What a person calls the services that keys are for."""

from __future__ import annotations

PROVIDER_NAMES = {
    "google": "Google",
    "kling": "Kling",
    "elevenlabs": "ElevenLabs",
    "gemini": "Google",
    "kling-legacy": "Kling (legacy keys)",
}
