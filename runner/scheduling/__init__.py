"""When planned work begins: its instants, what becomes of each of them, and whether the clock can be believed."""
