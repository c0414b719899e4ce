"""The story of an alert: accept, ingest, build its context, hypothesise. Each file reads as its diagram."""
