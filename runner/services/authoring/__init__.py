"""What an author can ask for: check, compile, create, import, export and deprecate runbooks."""
