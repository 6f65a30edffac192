"""What a library is: paths, listing, hashing, manifest, description, files."""
