"""What ``CHAINRULE_DEBUG`` prints: steps and schedules as text, and how long instructions took.

Imports `fuse`, `schedule`, `instructions` and `layout`.
"""
