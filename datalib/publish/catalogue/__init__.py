"""A catalogue of libraries: a static site that any web server can serve, and that works from a folder too."""
