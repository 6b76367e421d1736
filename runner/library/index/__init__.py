"""What the rest of a library needs to know of each file, kept so that a file is read again only when it has changed."""
