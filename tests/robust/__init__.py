"""Long versions of the robustness tests: kills, power cuts, full disks, mutated files."""
