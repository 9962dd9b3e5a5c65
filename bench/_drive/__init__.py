"""Drives a real ecluse on this machine: for the demo and for the benchmarks. Standard library only."""
