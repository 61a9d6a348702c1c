"""The native backend: graph to LLVM IR to machine code for the CPU at hand."""
