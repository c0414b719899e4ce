"""From a sender's body to signals: credentials, parsing, and what may be dropped as a repeat."""
