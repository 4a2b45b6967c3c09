"""Matroska and WebM files with other pictures in them (RFC 9559)."""
