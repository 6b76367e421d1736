"""From what a callback plugin reports to what happened: the words for it, and the tasks that have no marker."""
