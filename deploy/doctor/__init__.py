"""`python -m deploy.doctor SERVICE`: what would be wrong with a service, said before it starts. Changes nothing."""
