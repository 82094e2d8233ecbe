"""The demo of `make run`: invented families, a team at work on them, and rest before anybody looks."""
