"""A local Azure on one machine: everything the product needs, on loopback. It never ships."""
