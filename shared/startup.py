"""Imported first by every service: no garbage collection while the libraries make their definitions.

Nothing made then is ever garbage; without the collector a start takes a sixth less. `runtime.serve` switches it on
again, with everything made so far out of its sight.
"""

import gc

gc.disable()
