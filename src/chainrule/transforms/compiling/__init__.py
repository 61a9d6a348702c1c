"""From a function to its programs: traces, paths through branches, bound states."""
