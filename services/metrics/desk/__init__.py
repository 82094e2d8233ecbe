"""The desk where published reports are asked for: which one is meant, where it is found, and the forms it comes in."""
