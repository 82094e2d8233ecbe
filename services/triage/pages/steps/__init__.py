"""The forms of the steps of a work item."""
