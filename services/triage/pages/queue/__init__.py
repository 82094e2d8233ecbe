"""The lists of work items: queues, filters, and giving several at once."""
