"""The rules for single faults, by family; order.py has their order."""
