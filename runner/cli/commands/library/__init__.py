"""Commands about the library as a whole."""
