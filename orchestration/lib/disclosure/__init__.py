"""Disclosure control: the last layer before a release. Small counts become null, and nothing else gives them away."""
