"""Questions to people: what they are shown, who may answer, and the votes."""
