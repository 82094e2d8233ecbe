"""The policy in words, its versions and drafts."""
