"""The demo of `make run`: practice reports, invented families, a team at work on them, rest before anybody looks."""
