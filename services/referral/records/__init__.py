"""The life of records: when a family is due to be erased, its erasure with a certificate, a copy for whoever asks."""
