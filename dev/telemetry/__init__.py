"""An OTLP receiver on loopback that keeps the last of what the product tells, for people to look at."""
