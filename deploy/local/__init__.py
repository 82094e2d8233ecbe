"""The development system as child processes: real PostgreSQL and Apache Kafka, and the four services."""
