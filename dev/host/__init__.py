"""Runs a Python v2 function app on one machine with the Functions host's semantics. It never ships.

What differs from Azure, on purpose:
- One process, so no scale-out and no singleton lock around timers.
- A function that outlives `functionTimeout` is cancelled alone; Azure restarts the worker, and with it every
  invocation under way. The thread of a `def` function cannot be stopped: its invocation fails, the thread runs on.
- No system keys, since nothing here registers an extension webhook.
- Timer status lives in `.local/host-timers.json` instead of a blob; host.json's `logging` section is not read.
"""
