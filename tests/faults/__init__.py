"""Proof by breaking things: every fault of every service, and crashes at every step, against money and results."""
