"""The context engine: looks where an experienced engineer would look, under one deadline, and freezes what it saw."""
