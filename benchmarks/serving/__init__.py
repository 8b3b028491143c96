"""What ``benchmarks.service`` measures with: a real server, a load, and parts that use both."""
