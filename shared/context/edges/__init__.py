"""Who calls whom: how each convention tells it, how the tellings become one graph, and how that is kept."""
