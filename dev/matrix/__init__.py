"""The demo as a measurement: each fault on each service of a live shop, with decoys, and windows without a fault."""
