"""Derivatives that other people shipped, checked: `python -m examples.field`."""
