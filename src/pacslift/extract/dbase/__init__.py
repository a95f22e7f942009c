"""DBF files, dBase III to Visual FoxPro, with their memo files."""
