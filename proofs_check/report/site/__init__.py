"""A run as a web site: static pages that need no network and no script to be read."""
