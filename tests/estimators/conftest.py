"""Tests in folders below import what lies here, such as `hostile_files`."""
