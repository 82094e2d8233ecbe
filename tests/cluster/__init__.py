"""Three brokers, two PostgreSQL, two hosts with all services and a proxy, each in a network namespace of this machine.

Opt-in (`make test-cluster`): it wants Linux and root, and takes some ten minutes.
"""
