"""The monthly contract report and the two that look wider: equality and need. Made once, then frozen."""
