"""What the speed claims rest on: both sides measured on one machine, in turns. `make bench` runs it."""
