"""Which encoder makes units that fit a source's stream, and under which settings: one module per family of codecs."""
