"""The front door: people of partner agencies, and parents, refer in a browser."""
