"""What agencies send: read strictly, every error at once, never the value in an error."""
