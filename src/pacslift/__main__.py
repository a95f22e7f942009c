"""`python -m pacslift` is `pacslift`."""

from pacslift.start import main

if __name__ == "__main__":
    main()
