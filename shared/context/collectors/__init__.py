"""One file a question. A collector answers with evidence or raises; what a failure means is decided by its caller."""
