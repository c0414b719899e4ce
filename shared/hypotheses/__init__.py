"""Ranked root-cause hypotheses: by code first, by the model second, and nothing that code has not checked."""
