"""`python -m deploy.local`: signals are caught before the slow imports, so that an early Ctrl-C is not lost."""

import signal
import sys
import threading

if __name__ == "__main__":
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    from deploy.local.cli import main

    sys.exit(main(stopping))
