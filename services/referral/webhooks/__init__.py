"""Webhooks, on this side: agencies set them here with their key, and notify, which calls, asks here what changed."""
