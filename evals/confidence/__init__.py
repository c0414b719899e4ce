"""How far confidence can be believed, on made-up incidents, and what it is fitted to."""
