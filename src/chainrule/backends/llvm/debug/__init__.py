"""What ``CHAINRULE_DEBUG`` prints: schedules as text, and how long instructions took.

Imports `schedule`, `instructions` and `layout`.
"""
