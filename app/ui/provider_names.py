"""What a person calls the services that keys are for."""

from __future__ import annotations

PROVIDER_NAMES = {
    "gemini": "Google",
    "google": "Google",
    "kling": "Kling",
    "elevenlabs": "ElevenLabs",
    "veo": "Google Cloud (Veo)",
    "kling-legacy": "Kling (legacy keys)",
}
