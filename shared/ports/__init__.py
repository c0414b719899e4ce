"""The seams: narrow protocols, each written for its caller and saying how it fails."""
