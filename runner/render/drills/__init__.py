"""What people read of drills: one of them, and all of a library."""
