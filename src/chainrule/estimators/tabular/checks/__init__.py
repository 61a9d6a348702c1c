"""What a careful analyst would say of a table before its score is believed: one check a file."""
