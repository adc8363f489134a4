"""Tables that any study may have."""
