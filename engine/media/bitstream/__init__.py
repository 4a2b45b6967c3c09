"""What coded video says about itself, read from its bytes alone.

Bytes in, values or bytes out: no FFmpeg, no files, no state. Bytes that make no sense raise DamagedMedia, nothing else.
"""
