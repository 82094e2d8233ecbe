"""Events between the services: written, sent, received once, kept aside when they can not be handled (README.md)."""
