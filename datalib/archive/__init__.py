"""Libraries packed into one file: reading, unpacking and packing archives that nobody has to trust."""
