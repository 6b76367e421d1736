"""The hand-off: what whoever is called must know to go on."""
