"""Places by route, and who waits for one."""
