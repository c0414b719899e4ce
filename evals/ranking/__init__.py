"""How good the ranker is: on folders of recorded cases, and on cases that are made up from a seed."""
