"""What will be done with each instance and why; order; presentation contexts."""
