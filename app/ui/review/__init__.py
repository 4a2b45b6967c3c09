"""Deciding on patches: before, after and what changed, side by side, and how sure the following is."""

from app.ui.review.area import ReviewArea

__all__ = ["ReviewArea"]
