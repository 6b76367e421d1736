"""The use cases: one function for each thing that a user can ask for; arguments in, a frozen result out."""
