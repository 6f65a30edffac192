"""Libraries made of libraries: what is taken from whom, and what must travel with it."""
