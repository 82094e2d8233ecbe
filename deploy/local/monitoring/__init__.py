"""What `make run MONITORING=1` adds: Prometheus and Alertmanager, alerts on the console, and a page of boards."""
